/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to the kernel's routing tables: one request, one answer, attributes within bounds. */
#ifndef WN_OS_LINUX_NETLINK_H
#define WN_OS_LINUX_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"

#define WN_NL_BYTES 16384

struct wn_nl_buf {
	_Alignas(struct nlmsghdr) uint8_t bytes[WN_NL_BYTES];
};

/* Begins a request in b: a zeroed body of body_len bytes, which is returned. */
void *wn_nl_request(struct wn_nl_buf *b, uint16_t type, size_t body_len);
void wn_nl_add(struct wn_nl_buf *b, uint16_t type, const void *data, size_t len);
/*
 * Sends the request in b and leaves the one answer in b. 0, or the errno with which the kernel
 * refused or the exchange failed.
 */
int wn_nl_ask(struct wn_nl_buf *b);
/* The same by a socket that stays open: -1 at first, and after a failure. */
int wn_nl_ask_by(int *fd, struct wn_nl_buf *b);
/* The message at the start of len received bytes if it is whole and has body_len bytes; or NULL. */
const struct nlmsghdr *wn_nl_message(const struct wn_nl_buf *b, size_t len, size_t body_len);

/* The attributes after a body. Start with at = NULL, as long as it does not return NULL. */
const struct rtattr *wn_nl_next(
	const struct nlmsghdr *msg, size_t body_len, const struct rtattr *at);
const void *wn_nl_data(const struct rtattr *at, size_t *out_len);
uint32_t wn_nl_u32(const struct rtattr *at); /* 0 when it is no u32 */
/* An address by its length; family 0 when that is neither 4 nor 16. */
struct wn_addr wn_nl_addr(const struct rtattr *at);
/* Copies a name of at most size - 1 bytes. */
void wn_nl_name(const struct rtattr *at, char *out, size_t size);

#endif
