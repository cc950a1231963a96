/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of errors. Everything that can fail returns a wn_err: WN_OK or a negative value.
 * What went wrong in words travels in a struct wn_errctx that the caller owns (NULL is allowed
 * everywhere and means: not interested). A lost probe is a result, never an error.
 */
#ifndef WN_BASE_ERR_H
#define WN_BASE_ERR_H

#include <stddef.h>

/* X(symbol, value, stable name, text) */
#define WN_ERR_LIST(X)                                                                             \
	X(WN_OK, 0, "ok", "success")                                                               \
	X(WN_ENOMEM, -1, "no-memory", "out of memory")                                             \
	X(WN_EINVAL, -2, "invalid", "invalid argument")                                            \
	X(WN_ERANGE, -3, "out-of-range", "value out of range")                                     \
	X(WN_EPARSE, -4, "parse", "malformed input")                                               \
	X(WN_ETRUNC, -5, "truncated", "input ends too early")                                      \
	X(WN_EFULL, -6, "full", "table or buffer is full")                                         \
	X(WN_ENOENT, -7, "not-found", "not found")                                                 \
	X(WN_EPERM, -8, "no-permission", "permission denied")                                      \
	X(WN_ENOROUTE, -9, "no-route", "no route to destination")                                  \
	X(WN_ENETDOWN, -10, "network-down", "network is down")                                     \
	X(WN_EIFACE, -11, "no-interface", "no such interface")                                     \
	X(WN_EBLOCKED, -12, "blocked-here", "blocked on this machine (firewall)")                  \
	X(WN_EMSGSIZE, -13, "too-big", "packet larger than the MTU here")                          \
	X(WN_EAGAIN, -14, "again", "not now, try again")                                           \
	X(WN_ENOBUFS, -15, "no-buffers", "send queue is full")                                     \
	X(WN_EADDRINUSE, -16, "address-in-use", "address or port is in use")                       \
	X(WN_EADDRNOTAVAIL, -17, "address-not-available", "address is not on this machine")        \
	X(WN_EIO, -18, "io", "input or output failed")                                             \
	X(WN_ERESOLVE, -19, "resolve", "name does not resolve")                                    \
	X(WN_EUNSUPPORTED, -20, "unsupported", "not supported here")                               \
	X(WN_ESTATE, -21, "state", "not possible in this state")                                   \
	X(WN_ECANCELED, -22, "canceled", "canceled")                                               \
	X(WN_EUSAGE, -23, "usage", "wrong usage")                                                  \
	X(WN_ESYS, -24, "system", "system call failed")                                            \
	X(WN_ECLOSED, -25, "closed", "the target ended the connection")

#define X(sym, val, name, text) sym = val,
typedef enum wn_err { WN_ERR_LIST(X) } wn_err;
#undef X

struct wn_errctx {
	wn_err code;	/* WN_OK while nothing has failed */
	int sys;	/* errno where a system call was the cause, else 0 */
	char text[256]; /* one line: what, where, what would be right; NUL-terminated */
};

/* Stable machine name ("no-route") and human text; never NULL, "unknown" for foreign values. */
const char *wn_err_name(wn_err err);
const char *wn_err_text(wn_err err);
/* The value of a stable name; WN_EINVAL when there is none by that name. */
wn_err wn_err_from_name(const char *name);

/* Records code and a formatted text (wn_fmt subset, see fmt.h) in ctx and returns code. */
wn_err wn_fail(struct wn_errctx *ctx, wn_err code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with the errno that caused it kept in ctx->sys. */
wn_err wn_fail_sys(struct wn_errctx *ctx, wn_err code, int sys, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
