/* SPDX-License-Identifier: Apache-2.0 */
/* Options are a request of the option table, of which only some mean something here. */
#include "api/api_priv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/fmt.h"
#include "base/text.h"

#define WINDOW 16 /* probes outstanding at once of one trace, of which there are many */

static const char *const known[] = {"ipv4", "ipv6", "protocol", "port", "source-port", "flow",
	"first-ttl", "max-ttl", "probes", "wait", "wait-min", "gap", "deadline", "pps", "window",
	"interface", "source", "mark", "size", "tos", "dscp", "df", "pattern", "tcp-method",
	"tcp-flags", "tcp-options", "numeric"};

struct wn_request wn_api_request(const wend_options *o)
{
	struct wn_request req;

	if (o)
		return o->req;
	wn_request_init(&req);
	req.params.window = WINDOW;
	req.numeric = true; /* names are for those who ask for them */
	return req;
}

int wend_options_new(wend_options **out)
{
	*out = wn_calloc(1, sizeof(**out));
	if (!*out)
		return WEND_ENOMEM;
	(*out)->req = wn_api_request(NULL);
	return WEND_OK;
}

void wend_options_free(wend_options *o)
{
	wn_free(o);
}

int wend_options_copy(const wend_options *o, wend_options **out)
{
	*out = wn_malloc(sizeof(**out));
	if (!*out)
		return WEND_ENOMEM;
	**out = *o;
	return WEND_OK;
}

static bool is_known(const char *key)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], key) == 0)
			return true;
	return false;
}

static const char *known_at(const void *user, size_t i)
{
	(void)user;
	return known[i];
}

static wn_err no_option(wend_options *o, const char *key)
{
	const char *near = wn_text_nearest(key, known_at, NULL, sizeof(known) / sizeof(known[0]));

	if (near)
		return wn_fail(
			&o->why, WN_EUSAGE, "there is no option %s; did you mean %s?", key, near);
	return wn_fail(
		&o->why, WN_EUSAGE, "there is no option %s; wend help trace lists them", key);
}

int wend_options_set(wend_options *o, const char *key, const char *value)
{
	struct wn_request before = o->req;
	wn_err err;

	o->planned = false;
	memset(&o->why, 0, sizeof(o->why));
	if (!key || !value)
		return wn_fail(&o->why, WN_EINVAL, "an option needs a name and a value");
	if (!wn_opt_find(key))
		return no_option(o, key);
	if (!is_known(key))
		return wn_fail(&o->why, WN_EUSAGE, "option %s is not one of a single trace", key);
	err = wn_request_set(&o->req, key, value, &o->why);
	if (err == WN_OK && o->req.params.tcp_method != WN_TCP_METHOD_SYN &&
		o->req.params.tcp_method != WN_TCP_METHOD_ACK)
		err = wn_fail(&o->why, WN_EUSAGE,
			"tcp-method %s needs a trace of its own: syn or ack", value);
	if (err != WN_OK)
		o->req = before;
	return err;
}

const char *wend_options_error(const wend_options *o)
{
	return o->why.text;
}

static int set_number(wend_options *o, const char *key, uint64_t value, const char *unit)
{
	char text[32];

	wn_fmt(text, sizeof(text), "%llu%s", (unsigned long long)value, unit);
	return wend_options_set(o, key, text);
}

int wend_options_set_protocol(wend_options *o, int protocol)
{
	static const char *const names[] = {
		[WEND_UDP] = "udp", [WEND_ICMP] = "icmp", [WEND_TCP] = "tcp"};

	if (protocol < WEND_UDP || protocol > WEND_TCP) {
		memset(&o->why, 0, sizeof(o->why));
		return wn_fail(&o->why, WN_EUSAGE, "there is no protocol %d", protocol);
	}
	return wend_options_set(o, "protocol", names[protocol]);
}

int wend_options_set_port(wend_options *o, uint16_t port)
{
	return set_number(o, "port", port, "");
}

int wend_options_set_source_port(wend_options *o, uint16_t port)
{
	return set_number(o, "source-port", port, "");
}

int wend_options_set_first_ttl(wend_options *o, uint8_t ttl)
{
	return set_number(o, "first-ttl", ttl, "");
}

int wend_options_set_max_ttl(wend_options *o, uint8_t ttl)
{
	return set_number(o, "max-ttl", ttl, "");
}

int wend_options_set_probes(wend_options *o, uint32_t per_hop)
{
	return set_number(o, "probes", per_hop, "");
}

int wend_options_set_size(wend_options *o, uint16_t bytes)
{
	return set_number(o, "size", bytes, "");
}

int wend_options_set_source(wend_options *o, const char *address)
{
	return wend_options_set(o, "source", address);
}

int wend_options_set_interface(wend_options *o, const char *name)
{
	return wend_options_set(o, "interface", name);
}

int wend_options_set_wait_ns(wend_options *o, uint64_t ns)
{
	return set_number(o, "wait", ns, "ns");
}

int wend_options_set_names(wend_options *o, int on)
{
	return wend_options_set(o, "numeric", on ? "no" : "yes");
}

int wend_options_set_deadline_ns(wend_options *o, uint64_t ns)
{
	return set_number(o, "deadline", ns, "ns");
}
