/* SPDX-License-Identifier: Apache-2.0 */
#include "mtr/mtr.h"

int main(int argc, char **argv)
{
	return wn_mtr_main(argc, argv);
}
