/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated network as a back end. Time is the caller's: real for --sim, virtual in tests. */
#ifndef WN_IO_SIM_H
#define WN_IO_SIM_H

#include "io/io.h"
#include "sim/sim.h"

/* sim is borrowed and must outlive the back end. Replies not meant for c's protocol are foreign.
 * Several back ends may share one sim: a packet goes to whom its protocol and ports belong. */
wn_err wn_io_sim_open(const struct wn_io_config *c, struct wn_sim *sim, struct wn_io **out,
	struct wn_errctx *ctx);

#endif
