# SPDX-License-Identifier: Apache-2.0
"""libwend for Python: traces of network paths, with nothing but the standard library.

    from wend import Traceroute

    for hop in Traceroute("192.0.2.1").run():
        print(hop.ttl, hop.ip, hop.hostname, hop.rtt1, hop.rtt2, hop.rtt3)

    async for hop in Traceroute("192.0.2.1", protocol="icmp", max_ttl=20):
        print(hop)

Options are those of `wend trace --help` that docs/libwend.md lists, with _ for -. Times are milliseconds.
The library is libwend.so.0, or what the environment variable WEND_LIBRARY names.
"""

import asyncio
import ctypes
import os
import socket

__all__ = ["Hop", "Traceroute", "WendError", "version"]

REPLY, LOST, DONE = 1, 2, 3
ADDRESS_TEXT = 46


class WendError(Exception):
    """A trace that could not be made; code is the library's number, name its stable name."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.name = code, _lib.wend_err_name(code).decode()


class _Event(ctypes.Structure):
    """struct wend_event of <wend/wend.h>."""
    _fields_ = [("size", ctypes.c_uint32), ("kind", ctypes.c_uint32), ("id", ctypes.c_uint64),
                ("user", ctypes.c_void_p), ("at_ns", ctypes.c_int64), ("rtt_ns", ctypes.c_int64),
                ("sent", ctypes.c_int64), ("received", ctypes.c_int64), ("err", ctypes.c_int32),
                ("stop", ctypes.c_int32), ("probe", ctypes.c_uint32), ("ttl", ctypes.c_uint8),
                ("reached", ctypes.c_uint8), ("late", ctypes.c_uint8), ("family", ctypes.c_uint8),
                ("address", ctypes.c_uint8 * 16), ("icmp_type", ctypes.c_uint8),
                ("icmp_code", ctypes.c_uint8), ("tcp_flags", ctypes.c_uint8),
                ("reply_ttl", ctypes.c_int16), ("mpls_count", ctypes.c_uint32),
                ("mpls", ctypes.c_uint32 * 8), ("name", ctypes.c_char_p)]


class _Config(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("backend", ctypes.c_uint32),
                ("topology", ctypes.c_char_p), ("seed", ctypes.c_uint64),
                ("resolver", ctypes.c_char_p)]


def _load():
    lib = ctypes.CDLL(os.environ.get("WEND_LIBRARY", "libwend.so.0"))
    pointer, event = ctypes.c_void_p, ctypes.POINTER(_Event)
    for name, result, *arguments in (
            ("wend_version_text", ctypes.c_char_p),
            ("wend_err_name", ctypes.c_char_p, ctypes.c_int),
            ("wend_err_text", ctypes.c_char_p, ctypes.c_int),
            ("wend_stop_name", ctypes.c_char_p, ctypes.c_int),
            ("wend_options_new", ctypes.c_int, ctypes.POINTER(pointer)),
            ("wend_options_free", None, pointer),
            ("wend_options_set", ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_char_p),
            ("wend_options_error", ctypes.c_char_p, pointer),
            ("wend_new", ctypes.c_int, ctypes.POINTER(_Config), ctypes.POINTER(pointer)),
            ("wend_free", ctypes.c_int, pointer),
            ("wend_error", ctypes.c_char_p, pointer),
            ("wend_fd", ctypes.c_int, pointer),
            ("wend_process", ctypes.c_int, pointer, ctypes.c_uint32),
            ("wend_run", ctypes.c_int, pointer, ctypes.c_int64),
            ("wend_next_event", ctypes.c_int, pointer, event),
            ("wend_event_address", ctypes.c_char_p, event, ctypes.c_char_p),
            ("wend_trace", ctypes.c_int, pointer, ctypes.c_char_p, pointer, pointer, pointer,
             ctypes.POINTER(ctypes.c_uint64))):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


_lib = _load()


def version():
    return _lib.wend_version_text().decode()


class Hop:
    """Who answered at a TTL: ip None for silence, hostname None without a name, RTTs of its first
    three probes in milliseconds, None where there was no answer."""

    def __init__(self, ttl, probes):
        self.ttl, self.ip, self.hostname, self.reached = ttl, None, None, False
        self.rtts = [None] * probes
        self.decided = 0

    rtt1 = property(lambda self: self._rtt(0))
    rtt2 = property(lambda self: self._rtt(1))
    rtt3 = property(lambda self: self._rtt(2))

    def _rtt(self, nth):
        return self.rtts[nth] if nth < len(self.rtts) else None

    def __repr__(self):
        return f"Hop({self.ttl}, {self.ip}, {self.rtts})"


class Traceroute:
    """One trace. topology: the text of a simulated network instead of the real one. names: look up
    the names of hops. After the run stop says why it ended ("reached"), and reached whether it did."""

    def __init__(self, host, *, topology=None, names=True, **options):
        self.host, self.stop, self.reached = host, None, False
        self._names, self._topology = names, topology
        self._options = {key.replace("_", "-"): self._text(value)
                         for key, value in options.items()}
        self._hops, self._context = {}, None
        self._probes = int(self._options.get("probes", "3"))

    @staticmethod
    def _text(value):
        return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) \
            else str(value)

    def run(self):
        """The hops in order, when the trace is over. Blocks."""
        return list(self._blocking())

    def _blocking(self):
        self._open()
        try:
            while self._take() is None:
                self._check(_lib.wend_run(self._context, 100000), (0, -14))
            yield from self._finish()
        finally:
            self._close()
        for hop in self._list():
            self._name(hop)

    async def __aiter__(self):
        """The hops in order, each as soon as it and all before it are decided."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        self._open()
        fd, done, told = _lib.wend_fd(self._context), None, 0
        loop.add_reader(fd, news.set)
        try:
            while done is None:
                await news.wait()
                news.clear()
                _lib.wend_process(self._context, 0)
                done = self._take()
                ready = self._finish() if done is not None else self._decided()
                for hop in ready[told:]:
                    told += 1
                    if self._names and hop.ip:
                        await loop.run_in_executor(None, self._name, hop)
                    yield hop
        finally:
            loop.remove_reader(fd)
            self._close()

    # ---- inside ----

    def _check(self, code, fine=(0,)):
        if code not in fine:
            text = _lib.wend_error(self._context) if self._context else b""
            raise WendError(code, (text or _lib.wend_err_text(code)).decode())

    def _open(self):
        self._hops = {}
        options, context = ctypes.c_void_p(), ctypes.c_void_p()
        config = _Config(ctypes.sizeof(_Config), 0,
                         self._topology.encode() if self._topology else None, 0, None)
        self._check(_lib.wend_options_new(ctypes.byref(options)))
        try:
            for key, value in self._options.items():
                code = _lib.wend_options_set(options, key.encode(), value.encode())
                if code != 0:
                    raise WendError(code, _lib.wend_options_error(options).decode())
            self._check(_lib.wend_new(ctypes.byref(config), ctypes.byref(context)))
            self._context = context
            code = _lib.wend_trace(context, self.host.encode(), options, None, None, None)
            if code != 0:
                error = WendError(code, _lib.wend_error(context).decode())
                self._close()
                raise error
        finally:
            _lib.wend_options_free(options)

    def _close(self):
        if self._context:
            _lib.wend_free(self._context)
            self._context = None

    def _hop(self, ttl):
        return self._hops.setdefault(ttl, Hop(ttl, self._probes))

    def _take(self):
        """Reads the events there are; the last one, None when it has not come."""
        event = _Event()
        while _lib.wend_next_event(self._context, ctypes.byref(event)) == 0:
            if event.size != ctypes.sizeof(_Event):
                raise WendError(-20, "this library's events are not those of this module")
            if event.kind == DONE:
                self._end(event)
                return event
            if event.kind not in (REPLY, LOST):
                continue
            hop = self._hop(event.ttl)
            hop.decided += not event.late
            if event.kind == REPLY:
                self._answer(hop, event)
        return None

    def _answer(self, hop, event):
        text = ctypes.create_string_buffer(ADDRESS_TEXT)
        address = _lib.wend_event_address(ctypes.byref(event), text).decode()
        hop.ip = hop.ip or address
        hop.reached = hop.reached or bool(event.reached)
        if event.probe < len(hop.rtts) and event.rtt_ns >= 0:
            hop.rtts[event.probe] = event.rtt_ns / 1e6

    def _end(self, event):
        self.stop, self.reached = _lib.wend_stop_name(event.stop).decode(), bool(event.reached)
        self._last = event.ttl
        if event.err and not self._hops:
            raise WendError(event.err, _lib.wend_err_text(event.err).decode())

    def _list(self):
        first = int(self._options.get("first-ttl", "1"))
        return [self._hop(ttl) for ttl in range(first, max(self._hops, default=0) + 1)]

    def _decided(self):
        """Hops from the first on that nothing more is to come of."""
        ready = []
        for hop in self._list():
            if hop.decided < self._probes:
                break
            ready.append(hop)
            if hop.reached:
                break
        return ready

    def _finish(self):
        """All hops: up to the target, or the last that answered."""
        last = self._last if self.reached else max(
            (ttl for ttl, hop in self._hops.items() if hop.ip), default=0)
        for ttl in [ttl for ttl in self._hops if ttl > last]:
            del self._hops[ttl]
        return self._list()

    def _name(self, hop):
        if not self._names or not hop.ip or self._topology:
            return
        try:
            hop.hostname = socket.gethostbyaddr(hop.ip)[0]
        except OSError:
            hop.hostname = None
