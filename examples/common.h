/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the examples have in common: traces to all the targets of the command line at once, in the
 * real network or a simulated one (docs/topology.md), and a line for each answer.
 */
#ifndef EXAMPLES_COMMON_H
#define EXAMPLES_COMMON_H

#include <wend/wend.h>

/* Starts what "[--sim FILE] HOST..." asks for; NULL: it has said why that cannot be. */
wend *traces_start(int argc, char **argv);
/* Frees w; the exit code of the program. */
int traces_end(wend *w);
/* Where the first host stands in argv, and where it is; 0: it has said why there is none. */
int read_arguments(int argc, char **argv, struct wend_config *out_config);

#endif
