/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small DNS server on loopback, of one socket, that a test answers from its own poll loop: it
 * helps, keeps silent or lies as its zone says. What is not in the zone does not exist.
 */
#ifndef WN_TESTS_DNS_SERVER_H
#define WN_TESTS_DNS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#define DNS_TYPE_A	  1
#define DNS_TYPE_PTR	  12
#define DNS_TYPE_AAAA	  28
#define DNS_RCODE_SERVER  2
#define DNS_RCODE_NO_NAME 3
#define DNS_RCODE_REFUSED 5

/* What it does about a name. An answer is the text of a record, "" for none. */
struct dns_entry {
	const char *name;
	uint16_t type;
	enum {
		DNS_ANSWER,
		DNS_NEGATIVE,
		DNS_SILENT,
		DNS_GARBAGE,
		DNS_WRONG_ID,
		DNS_LOOP,
		DNS_RAW_LABEL,
		DNS_LONG
	} how;
	const char *text;
	uint16_t rcode;
};

struct dns_server {
	int fd; /* readable: dns_server_answer */
	const struct dns_entry *zone;
	size_t count;
	unsigned questions; /* that it was asked */
	char address[32];   /* "127.0.0.1:PORT" */
};

void dns_server_open(struct dns_server *s, const struct dns_entry *zone, size_t count);
void dns_server_close(struct dns_server *s);
/* Takes one question. */
void dns_server_answer(struct dns_server *s);

#endif
