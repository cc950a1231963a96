/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic BPF programs. IPv4 raw sockets hand the filter the IP header, IPv6 ones what follows
 * it; X is set to where the transport header begins, so that the rest is the same for both.
 * A load beyond the end of the packet drops it.
 */
#include "io/raw_filter.h"

#include <assert.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stddef.h>
#include <sys/socket.h>

#include "packet/wire.h"

#define CODE_MAX	(48 + 4 * WN_RAW_MORE_MAX)
#define PASS		0xffffffffu
#define ICMP_HEADER	8 /* bytes before the quote */
#define L4_HEADER	8 /* bytes of the quoted transport header that are always needed */
#define IP6_HEADER	40
#define NEXT_FRAGMENT	44
#define FRAGMENT_HEADER 8

struct code {
	struct sock_filter at[CODE_MAX];
	unsigned short len;
};

static void put(struct code *c, uint16_t op, uint32_t k)
{
	assert(c->len < CODE_MAX);
	c->at[c->len++] = (struct sock_filter)BPF_STMT(op, k);
}

static void jump(struct code *c, uint16_t op, uint32_t k, uint8_t yes, uint8_t no)
{
	assert(c->len < CODE_MAX);
	c->at[c->len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, k, yes, no);
}

static void drop_unless_equal(struct code *c, uint32_t k)
{
	jump(c, BPF_JEQ, k, 1, 0);
	put(c, BPF_RET | BPF_K, 0);
}

/* A, a port or an ICMP id, must be one of ours; ends the program. */
static void pass_if_ours(struct code *c, const struct wn_raw_filter *f)
{
	for (unsigned i = 0; i < f->more_count; i++) {
		jump(c, BPF_JEQ, f->more[i], 0, 1);
		put(c, BPF_RET | BPF_K, PASS);
	}
	put(c, BPF_ALU | BPF_SUB | BPF_K, f->first);
	jump(c, BPF_JGE, f->span, 0, 1);
	put(c, BPF_RET | BPF_K, 0);
	put(c, BPF_RET | BPF_K, PASS);
}

static void find_transport(struct code *c, uint8_t family)
{
	if (family == 4)
		put(c, BPF_LDX | BPF_B | BPF_MSH, 0);
	else
		put(c, BPF_LDX | BPF_W | BPF_IMM, 0);
}

/* Answers to echo requests end the program here; errors go on. */
static void take_echo(struct code *c, const struct wn_raw_filter *f)
{
	put(c, BPF_LD | BPF_B | BPF_IND, 0);
	jump(c, BPF_JEQ, f->family == 4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY, 0,
		(uint8_t)(5 + 2 * f->more_count));
	put(c, BPF_LD | BPF_H | BPF_IND, 4);
	pass_if_ours(c, f);
}

static void pass_if_short(struct code *c, const struct wn_raw_filter *f)
{
	uint32_t ip = f->family == 4 ? 20 : IP6_HEADER;

	put(c, BPF_LD | BPF_W | BPF_LEN, 0);
	put(c, BPF_ALU | BPF_SUB | BPF_X, 0);
	jump(c, BPF_JGE, ICMP_HEADER + ip + L4_HEADER, 1, 0);
	put(c, BPF_RET | BPF_K, PASS);
}

static void skip_quoted_ip4(struct code *c, const struct wn_raw_filter *f)
{
	put(c, BPF_LD | BPF_B | BPF_IND, ICMP_HEADER + 9);
	drop_unless_equal(c, wn_ip_proto(f->proto, f->family));
	put(c, BPF_LD | BPF_B | BPF_IND, ICMP_HEADER);
	put(c, BPF_ALU | BPF_AND | BPF_K, 0x0f);
	put(c, BPF_ALU | BPF_LSH | BPF_K, 2);
}

/* Of fragments the first one counts; routers complain about the others, too. */
static void skip_quoted_ip6(struct code *c, const struct wn_raw_filter *f)
{
	put(c, BPF_LD | BPF_B | BPF_IND, ICMP_HEADER + 6);
	jump(c, BPF_JEQ, NEXT_FRAGMENT, 0, 8);
	put(c, BPF_LD | BPF_H | BPF_IND, ICMP_HEADER + IP6_HEADER + 2);
	jump(c, BPF_JSET, 0xfff8, 0, 1);
	put(c, BPF_RET | BPF_K, 0);
	put(c, BPF_LD | BPF_B | BPF_IND, ICMP_HEADER + IP6_HEADER);
	drop_unless_equal(c, wn_ip_proto(f->proto, f->family));
	put(c, BPF_LD | BPF_W | BPF_IMM, IP6_HEADER + FRAGMENT_HEADER);
	jump(c, BPF_JA, 3, 0, 0);
	drop_unless_equal(c, wn_ip_proto(f->proto, f->family));
	put(c, BPF_LD | BPF_W | BPF_IMM, IP6_HEADER);
}

/* X moves on to the quoted transport header less ICMP_HEADER. */
static void skip_quoted_ip(struct code *c, const struct wn_raw_filter *f)
{
	if (f->family == 4)
		skip_quoted_ip4(c, f);
	else
		skip_quoted_ip6(c, f);
	put(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	put(c, BPF_MISC | BPF_TAX, 0);
}

static bool attach(int fd, struct code *c)
{
	struct sock_fprog prog = {.len = c->len, .filter = c->at};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0;
}

/* What no back end of any protocol wants is dropped before the program runs. */
static bool block_types(int fd, const struct wn_raw_filter *f)
{
	bool echo = f->proto == WN_PROTO_ICMP;

	if (f->family == 4) {
		uint32_t wanted = 1u << ICMP_DEST_UNREACH | 1u << ICMP_SOURCE_QUENCH |
				  1u << ICMP_REDIRECT | 1u << ICMP_TIME_EXCEEDED |
				  1u << ICMP_PARAMETERPROB;
		struct icmp_filter blocked;

		if (echo)
			wanted |= 1u << ICMP_ECHOREPLY;
		blocked.data = ~wanted;
		return setsockopt(fd, SOL_RAW, ICMP_FILTER, &blocked, sizeof(blocked)) == 0;
	}
	struct icmp6_filter pass;

	ICMP6_FILTER_SETBLOCKALL(&pass);
	for (int type = ICMP6_DST_UNREACH; type <= ICMP6_PARAM_PROB; type++)
		ICMP6_FILTER_SETPASS(type, &pass);
	if (echo)
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &pass);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &pass, sizeof(pass)) == 0;
}

bool wn_raw_filter_sleep(int fd, uint8_t family)
{
	struct icmp_filter all = {.data = UINT32_MAX};
	struct icmp6_filter all6;

	if (family == 4)
		return setsockopt(fd, SOL_RAW, ICMP_FILTER, &all, sizeof(all)) == 0;
	ICMP6_FILTER_SETBLOCKALL(&all6);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &all6, sizeof(all6)) == 0;
}

bool wn_raw_filter_icmp(int fd, const struct wn_raw_filter *f)
{
	struct code c = {.len = 0};

	find_transport(&c, f->family);
	if (f->proto == WN_PROTO_ICMP)
		take_echo(&c, f);
	pass_if_short(&c, f);
	skip_quoted_ip(&c, f);
	/* The identifier of an echo request, or the source port. */
	put(&c, BPF_LD | BPF_H | BPF_IND, ICMP_HEADER + (f->proto == WN_PROTO_ICMP ? 4 : 0));
	pass_if_ours(&c, f);
	return block_types(fd, f) && attach(fd, &c);
}

bool wn_raw_filter_l4(int fd, const struct wn_raw_filter *f)
{
	struct code c = {.len = 0};

	find_transport(&c, f->family);
	if (f->proto == WN_PROTO_TCP) {
		put(&c, BPF_LD | BPF_B | BPF_IND, 13);
		jump(&c, BPF_JSET, WN_TCP_RST | WN_TCP_ACK, 1, 0);
		put(&c, BPF_RET | BPF_K, 0);
	}
	put(&c, BPF_LD | BPF_H | BPF_IND, 2);
	pass_if_ours(&c, f);
	return attach(fd, &c);
}

bool wn_raw_filter_nothing(int fd)
{
	struct code c = {.len = 0};

	put(&c, BPF_RET | BPF_K, 0);
	return attach(fd, &c);
}
