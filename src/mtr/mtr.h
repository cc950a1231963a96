/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of mtr-packet: commands as lines on standard input, answers as lines on standard
 * output (docs/packet.md). Made of the public library alone, <wend/wend.h>.
 */
#ifndef WN_MTR_MTR_H
#define WN_MTR_MTR_H

/* Serves until standard input has ended and every probe with it. Returns the exit code: 0, or 1
 * when it could not even begin. argv[0] may choose the dialect; arguments are ignored. */
int wn_mtr_main(int argc, char **argv);

#endif
