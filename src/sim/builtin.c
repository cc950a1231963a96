/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newcomer's network: a believable way from a home in Amsterdam to a server in Sydney with
 * one of everything a trace may meet. Addresses are those reserved for documentation (RFC 5737,
 * RFC 3849), names lie under example.net and example.org (RFC 2606). Delays follow the cables.
 */
#include "sim/sim.h"

/* clang-format off */
static const char text[] =
	"# Built-in network: Amsterdam to Sydney.\n"
	"seed 1\n"
	"source home\n"
	"target www\n"
	"\n"
	"host home addr 192.0.2.100 addr6 2001:db8:0:1::100 name laptop.home.example.net\n"
	"node gw addr 192.0.2.1 addr6 2001:db8:0:1::1 name gateway.home.example.net reply-ttl 64\n"
	"node bras addr 198.51.100.1 addr6 2001:db8:1::1 name bras1.ams.isp.example.net\n"
	"node ams addr 198.51.100.5 addr6 2001:db8:1::5 name cr1.ams.isp.example.net\n"
	"node lon addr 198.51.100.9 addr6 2001:db8:1::9 name cr2.lon.isp.example.net limit 1/s burst 2\n"
	"node ix addr 198.51.100.65 addr6 2001:db8:2::65 silent\n"
	"# A tunnel under the Atlantic and across America, with labels.\n"
	"node nyc addr 203.0.113.1 addr6 2001:db8:3::1 name edge1.nyc.transit.example.net\n"
	"node chi addr 203.0.113.5 addr6 2001:db8:3::5 name p2.chi.transit.example.net\n"
	"node den addr 203.0.113.9 addr6 2001:db8:3::9 name p3.den.transit.example.net\n"
	"node sjc addr 203.0.113.13 addr6 2001:db8:3::13 name edge2.sjc.transit.example.net\n"
	"# Two ways across the Pacific, chosen by flow.\n"
	"node tyo addr 203.0.113.65 addr6 2001:db8:4::65 name pe1.tyo.pacific.example.net\n"
	"node hnl addr 203.0.113.69 addr6 2001:db8:4::69 name pe2.hnl.pacific.example.net\n"
	"node syd addr 203.0.113.73 addr6 2001:db8:4::73 name pe3.syd.pacific.example.net dscp 0\n"
	"node fw addr 198.51.100.193 addr6 2001:db8:5::1 name fw1.syd.hosting.example.net\n"
	"host www addr 198.51.100.200 addr6 2001:db8:5::200 name www.example.org"
	" open tcp 80,443 filtered tcp 25\n"
	"\n"
	"link home gw delay 0.4ms jitter 0.2ms\n"
	"link gw bras delay 3ms jitter 0.6ms\n"
	"link bras ams delay 0.6ms jitter 0.1ms\n"
	"link ams lon delay 3.4ms jitter 0.1ms\n"
	"link lon ix delay 0.3ms\n"
	"link ix nyc delay 35ms jitter 0.2ms\n"
	"link nyc chi delay 9ms jitter 0.1ms\n"
	"link chi den delay 11ms jitter 0.1ms\n"
	"link den sjc delay 12ms jitter 0.1ms\n"
	"link sjc tyo delay 52ms jitter 0.4ms\n"
	"link sjc hnl delay 27ms jitter 0.4ms\n"
	"link tyo syd delay 54ms jitter 0.4ms\n"
	"link hnl syd delay 47ms jitter 0.4ms\n"
	"link syd fw delay 0.5ms jitter 0.2ms\n"
	"link fw www delay 0.2ms jitter 0.1ms\n"
	"\n"
	"# What comes back from Sydney does so over Hawaii.\n"
	"return syd via hnl\n"
	"mpls explicit nyc chi den sjc labels 24001 24117\n";
/* clang-format on */

const char *wn_topo_builtin(void)
{
	return text;
}
