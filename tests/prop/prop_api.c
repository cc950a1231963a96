/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of arbitrary calls on a context of the library, over a simulated network: whatever is
 * started ends exactly once and tells nothing after that, ids are never used again, what is not
 * told when the context is freed is told then, and no memory is left.
 */
#include "prop.h"

#include <string.h>
#include <wend/wend.h>
#include "alloc_fault.h"
#include "base/cursor.h"

#define STARTS_MAX 40
#define CALLS_MAX  200

static const char network[] = "source me\ntarget dst\n"
			      "host me addr 192.0.2.1 addr6 fd00::1\n"
			      "node r1 addr 198.51.100.1 addr6 fd00:1::1 name r1.example\n"
			      "node r2 addr 198.51.100.2 addr6 fd00:2::1 drop-replies 20%\n"
			      "host dst addr 203.0.113.9 addr6 fd00:9::9 owns 203.0.113.0/24 open "
			      "tcp 80\n"
			      "link me r1 delay 1us duplicate 10%\nlink r1 r2 delay 1us loss 10%\n"
			      "link r2 dst delay 1us corrupt 5%\n";

struct started {
	uint64_t id;
	unsigned done;
};

struct world {
	struct wn_rd in;
	wend *w;
	wend_options *o;
	struct started list[STARTS_MAX];
	unsigned count;
};

static unsigned pick(struct world *w, unsigned n)
{
	return wn_rd_left(&w->in) > 0 ? wn_rd_u8(&w->in) % n : 0;
}

static void take(struct world *w, const struct wend_event *ev)
{
	struct started *s = NULL;

	prop_check(ev->size == sizeof(*ev));
	prop_check(ev->kind >= WEND_REPLY && ev->kind <= WEND_NAME);
	prop_check(ev->name && (ev->name[0] == '\0' || ev->kind == WEND_NAME));
	for (unsigned i = 0; i < w->count; i++)
		if (w->list[i].id == ev->id)
			s = &w->list[i];
	prop_check(s != NULL);
	prop_check(s->done == 0);
	prop_check(ev->kind == WEND_DONE || ev->kind == WEND_NAME || ev->ttl > 0);
	s->done += ev->kind == WEND_DONE;
}

static void act(struct world *w, unsigned calls);

static void on_event(void *user, const struct wend_event *ev)
{
	struct world *w = user;

	take(w, ev);
	prop_check(wend_process(w->w, 0) == WEND_ESTATE);
	prop_check(wend_run(w->w, 0) == WEND_ESTATE);
	prop_check(wend_free(w->w) == WEND_ESTATE);
	if (ev->kind == WEND_DONE)
		prop_check(wend_cancel(w->w, ev->id) == WEND_ENOENT);
	if (pick(w, 4) == 1)
		act(w, 1);
}

static void choose_options(struct world *w)
{
	static const char *const settings[][2] = {{"protocol", "udp"}, {"protocol", "icmp"},
		{"protocol", "tcp"}, {"probes", "1"}, {"probes", "7"}, {"max-ttl", "2"},
		{"max-ttl", "30"}, {"first-ttl", "2"}, {"window", "1"}, {"window", "64"},
		{"source-port", "40000"}, {"flow", "3"}, {"flow", "classic"}, {"size", "1400"},
		{"pps", "0"}, {"gap", "1"}, {"tcp-method", "ack"}, {"deadline", "1ms"},
		{"numeric", "no"}};
	unsigned i = pick(w, sizeof(settings) / sizeof(settings[0]));

	(void)wend_options_set(w->o, settings[i][0], settings[i][1]);
}

static void start(struct world *w)
{
	static const char *const targets[] = {"203.0.113.9", "203.0.113.77", "fd00:9::9", "nobody",
		"198.51.100.2", "192.0.2.250", ""};
	const char *target = targets[pick(w, 7)];
	wend_callback *callback = pick(w, 3) ? on_event : NULL;
	uint64_t id = 0;
	unsigned kind = pick(w, 6);
	int err;

	if (w->count == STARTS_MAX)
		return;
	if (kind == 0)
		err = wend_lookup(w->w, target, callback, w, &id);
	else if (kind < 3)
		err = wend_probe(w->w, target, (uint8_t)pick(w, 6), w->o, callback, w, &id);
	else
		err = wend_trace(w->w, target, pick(w, 4) ? w->o : NULL, callback, w, &id);
	if (err != WEND_OK)
		return;
	for (unsigned i = 0; i < w->count; i++)
		prop_check(w->list[i].id != id);
	w->list[w->count++].id = id;
}

static void cancel(struct world *w)
{
	unsigned i = pick(w, STARTS_MAX);
	int err = wend_cancel(w->w, i < w->count ? w->list[i].id : i * 0x10001u);

	if (i < w->count)
		prop_check(err == (w->list[i].done ? WEND_ENOENT : WEND_OK));
	else
		prop_check(err == WEND_ENOENT);
}

static void pull(struct world *w)
{
	struct wend_event ev;

	for (unsigned n = pick(w, 20); n > 0 && wend_next_event(w->w, &ev) == WEND_OK; n--)
		take(w, &ev);
}

static void act(struct world *w, unsigned calls)
{
	while (calls-- > 0) {
		switch (pick(w, 6)) {
		case 0:
			choose_options(w);
			break;
		case 1:
		case 2:
			start(w);
			break;
		case 3:
			cancel(w);
			break;
		case 4:
			pull(w);
			break;
		default: /* not allowed in a callback, and then without an effect */
			(void)wend_process(w->w, pick(w, 8));
			break;
		}
	}
}

static unsigned undone(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->count; i++)
		n += w->list[i].done == 0;
	return n;
}

int prop_api(const uint8_t *data, size_t size)
{
	struct wend_config config = {.size = sizeof(config), .topology = network, .seed = 1};
	unsigned long live = alloc_fault_live();
	struct world w = {0};
	struct wend_event ev;
	bool finish;

	wn_rd_init(&w.in, data, size);
	/* What a byte of the end says, so that those at the beginning mean what they did. */
	config.pps = size > 0 && data[size - 1] & 1 ? 100000 : 0;
	config.pps_per_destination = size > 0 && data[size - 1] & 2 ? 50000 : 0;
	config.pps_per_router = size > 0 && data[size - 1] & 4 ? 20000 : 0;
	prop_check(wend_new(&config, &w.w) == WEND_OK);
	prop_check(wend_options_new(&w.o) == WEND_OK);
	(void)wend_options_set(w.o, "wait", "2ms,3,3");
	finish = pick(&w, 2);
	for (unsigned i = 0; i < CALLS_MAX && wn_rd_left(&w.in) > 0; i++)
		act(&w, 1);
	prop_check(wend_active(w.w) == undone(&w));
	if (finish) {
		prop_check(wend_run(w.w, 10000000) == WEND_OK);
		while (wend_next_event(w.w, &ev) == WEND_OK)
			take(&w, &ev);
		prop_check(undone(&w) == 0);
		prop_check(wend_active(w.w) == 0);
	}
	prop_check(wend_free(w.w) == WEND_OK);
	for (unsigned i = 0; i < w.count; i++)
		prop_check(w.list[i].done <= 1);
	wend_options_free(w.o);
	prop_check(alloc_fault_live() == live);
	return 0;
}
