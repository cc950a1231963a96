/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, and what has a name or a text. */
#include "api/api_priv.h"

#include <string.h>

#define X(sym, val, name, text)                                                                    \
	_Static_assert((int)WE##sym == (int)sym, "public and inner numbers are the same");
#define WEWN_OK		   WEND_OK
#define WEWN_ENOMEM	   WEND_ENOMEM
#define WEWN_EINVAL	   WEND_EINVAL
#define WEWN_ERANGE	   WEND_ERANGE
#define WEWN_EPARSE	   WEND_EPARSE
#define WEWN_ETRUNC	   WEND_ETRUNC
#define WEWN_EFULL	   WEND_EFULL
#define WEWN_ENOENT	   WEND_ENOENT
#define WEWN_EPERM	   WEND_EPERM
#define WEWN_ENOROUTE	   WEND_ENOROUTE
#define WEWN_ENETDOWN	   WEND_ENETDOWN
#define WEWN_EIFACE	   WEND_EIFACE
#define WEWN_EBLOCKED	   WEND_EBLOCKED
#define WEWN_EMSGSIZE	   WEND_EMSGSIZE
#define WEWN_EAGAIN	   WEND_EAGAIN
#define WEWN_ENOBUFS	   WEND_ENOBUFS
#define WEWN_EADDRINUSE	   WEND_EADDRINUSE
#define WEWN_EADDRNOTAVAIL WEND_EADDRNOTAVAIL
#define WEWN_EIO	   WEND_EIO
#define WEWN_ERESOLVE	   WEND_ERESOLVE
#define WEWN_EUNSUPPORTED  WEND_EUNSUPPORTED
#define WEWN_ESTATE	   WEND_ESTATE
#define WEWN_ECANCELED	   WEND_ECANCELED
#define WEWN_EUSAGE	   WEND_EUSAGE
#define WEWN_ESYS	   WEND_ESYS
#define WEWN_ECLOSED	   WEND_ECLOSED
WN_ERR_LIST(X)
#undef X

_Static_assert((int)WEND_STOP_REACHED == (int)WN_STOP_REACHED &&
		       (int)WEND_STOP_MAX_TTL == (int)WN_STOP_MAX_TTL &&
		       (int)WEND_STOP_GAP == (int)WN_STOP_GAP &&
		       (int)WEND_STOP_LOOP == (int)WN_STOP_LOOP &&
		       (int)WEND_STOP_UNREACHABLE == (int)WN_STOP_UNREACHABLE &&
		       (int)WEND_STOP_DEADLINE == (int)WN_STOP_DEADLINE &&
		       (int)WEND_STOP_CANCELED == (int)WN_STOP_INTERRUPTED &&
		       (int)WEND_STOP_ERROR == (int)WN_STOP_ERROR,
	"public and inner numbers are the same");

uint32_t wend_version(void)
{
	return WEND_VERSION;
}

const char *wend_version_text(void)
{
	return WEND_VERSION_TEXT;
}

const char *wend_err_name(int err)
{
	return wn_err_name((wn_err)err);
}

const char *wend_err_text(int err)
{
	return wn_err_text((wn_err)err);
}

const char *wend_stop_name(int stop)
{
	if (stop == WEND_STOP_CANCELED)
		return "canceled";
	return stop >= WEND_STOP_NONE && stop <= WEND_STOP_ERROR ? wn_stop_name((enum wn_stop)stop)
								 : "unknown";
}

const char *wend_event_address(const struct wend_event *ev, char text[WEND_ADDRESS_TEXT])
{
	struct wn_addr a = {.family = ev->family};

	_Static_assert(WEND_ADDRESS_TEXT >= WN_ADDR_STRLEN, "any address fits");
	text[0] = '\0';
	if (ev->family == 0)
		return text;
	memcpy(a.bytes, ev->address, sizeof(a.bytes));
	return wn_addr_str(&a, text);
}
