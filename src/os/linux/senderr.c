/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a failed send means. The kernel tells local causes apart by errno only; each row was seen
 * with a firewall rule, a route type or an interface state of that sort.
 */
#include "os/os.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	int sys;
	wn_err err;
} send_errors[] = {
	{0, WN_OK},
	{EPERM, WN_EBLOCKED},  /* dropped or rejected by a rule on output */
	{EACCES, WN_EBLOCKED}, /* a route of type prohibit */
	{ENETUNREACH, WN_ENOROUTE},
	{EHOSTUNREACH, WN_ENOROUTE},
	{EINVAL, WN_ENOROUTE}, /* a route of type blackhole */
	{ENETDOWN, WN_ENETDOWN},
	{ENODEV, WN_EIFACE},
	{ENXIO, WN_EIFACE},
	{EMSGSIZE, WN_EMSGSIZE},
	{ENOBUFS, WN_ENOBUFS},
	{ENOMEM, WN_ENOBUFS},
	{EAGAIN, WN_EAGAIN},
	{EINTR, WN_EAGAIN},
	{EADDRINUSE, WN_EADDRINUSE},
	{EADDRNOTAVAIL, WN_EADDRNOTAVAIL},
	{EAFNOSUPPORT, WN_EUNSUPPORTED},
};

wn_err wn_os_send_err(int sys)
{
	for (size_t i = 0; i < sizeof(send_errors) / sizeof(send_errors[0]); i++)
		if (send_errors[i].sys == sys)
			return send_errors[i].err;
	return WN_ESYS;
}
