/* SPDX-License-Identifier: Apache-2.0 */
#include "output/view.h"

#include "multipath/beside.h"

/* Each router was asked twice at most. */
void wn_view_pings(struct wn_strbuf *out, const struct wn_result *r)
{
	unsigned asked = 0, answered = 0;

	for (uint32_t i = 0; i < r->side_count; i++) {
		const struct wn_side_rec *s = &r->sides[i];

		if (s->sent.probe.flow != WN_FLOW_PING)
			continue;
		asked += s->sent.number == 0;
		answered += s->sent.first_reply != WN_NONE && s->reply.kind == WN_REPLY_ECHO;
	}
	if (asked == 0)
		return;
	wn_strbuf_fmt(out, "Pinged %u router%s: ", asked, asked == 1 ? "" : "s");
	if (answered == asked)
		wn_strbuf_puts(out, asked == 1 ? "it answered." : "all answered.");
	else
		wn_strbuf_fmt(out, "%u answered.", answered);
}
