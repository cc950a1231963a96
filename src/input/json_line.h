/* SPDX-License-Identifier: Apache-2.0 */
/* One line that must be a JSON object, for the readers of this room. */
#ifndef WN_INPUT_JSON_LINE_H
#define WN_INPUT_JSON_LINE_H

#include <jansson.h>
#include <stddef.h>
#include "base/err.h"

/* To be given back by json_decref. WN_EPARSE: no JSON, a key twice, or no object. */
wn_err wn_in_json_line(const char *line, size_t len, json_t **out, struct wn_errctx *ctx);

#endif
