/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program without privileges can still do without: a second fence, built as far as the
 * kernel has the means. Both return whether it stands. Call after NO_NEW_PRIVS.
 */
#ifndef WN_OS_LINUX_CONFINE_H
#define WN_OS_LINUX_CONFINE_H

#include <stdbool.h>

/* A leak checker stops its own process at exit and reads its maps: sanitized builds let it. */
#define WN_CONFINE_FOR_LEAK_CHECKER 0
#if defined(__SANITIZE_ADDRESS__)
#undef WN_CONFINE_FOR_LEAK_CHECKER
#define WN_CONFINE_FOR_LEAK_CHECKER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef WN_CONFINE_FOR_LEAK_CHECKER
#define WN_CONFINE_FOR_LEAK_CHECKER 1
#endif
#endif

/* Landlock: no file is opened for writing or run; reading only where resolvers and zones are. */
bool wn_confine_files(void);
/* seccomp: no programs, tracing, mounts, modules, namespaces. Sockets stay allowed. */
bool wn_confine_calls(void);

#endif
