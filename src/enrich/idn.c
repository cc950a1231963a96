/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names as typed, made fit for DNS. What leaves here is letters, digits, hyphens,
 * underscores and dots in the lengths of RFC 1035 2.3.4, so nothing else can be asked for.
 */
#include "enrich/dns.h"

#include <idn2.h>
#include <stdbool.h>
#include <string.h>

#define NAME_MAX_BYTES	253
#define LABEL_MAX_BYTES 63

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* NULL when name is a host name, else what is wrong with it. */
static const char *fault_of(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0)
		return "no host name";
	if (len > NAME_MAX_BYTES)
		return "a host name has at most 253 characters";
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '.') {
			if (label == 0)
				return "not a host name: nothing between two dots";
			label = 0;
			continue;
		}
		if (!is_host_char(name[i]))
			return "not a host name: letters, digits, hyphens and dots only";
		if (label == 0 && name[i] == '-')
			return "not a host name: a part begins with a hyphen";
		if (++label > LABEL_MAX_BYTES)
			return "not a host name: a part is longer than 63 characters";
	}
	return NULL;
}

wn_err wn_dns_to_ascii(const char *name, char *out, size_t size, struct wn_errctx *ctx)
{
	char *converted = NULL;
	const char *ascii = name, *fault;
	wn_err err = WN_OK;

	/* ASCII names pass as they are: IDNA would refuse r3---x.example, which exists. */
	if (!is_ascii(name)) {
		int rc = idn2_to_ascii_8z(name, &converted, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);

		if (rc != IDN2_OK)
			return wn_fail(ctx, WN_EPARSE, "not a host name: %s", idn2_strerror(rc));
		ascii = converted;
	}
	fault = fault_of(ascii);
	if (fault)
		err = wn_fail(ctx, WN_EPARSE, "%s", fault);
	else if (strlen(ascii) >= size)
		err = wn_fail(ctx, WN_EFULL, "host name too long");
	else
		memcpy(out, ascii, strlen(ascii) + 1);
	if (converted)
		idn2_free(converted);
	return err;
}
