/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program without privileges can still do without: a second fence, built as far as the
 * kernel has the means. Both return whether it stands. Call after NO_NEW_PRIVS.
 */
#ifndef WN_OS_LINUX_CONFINE_H
#define WN_OS_LINUX_CONFINE_H

#include <stdbool.h>

/* Landlock: no file is opened for writing or run; reading only where resolvers and zones are. */
bool wn_confine_files(void);
/* seccomp: no programs, tracing, mounts, modules, namespaces. Sockets stay allowed. */
bool wn_confine_calls(void);

#endif
