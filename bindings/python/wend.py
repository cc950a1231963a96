# SPDX-License-Identifier: Apache-2.0
"""libwend for Python: traces of network paths, with nothing but the standard library.

    from wend import Context, Traceroute

    for hop in Traceroute("192.0.2.1").run():
        print(hop.ttl, hop.ip, hop.hostname, hop.rtt1, hop.rtt2, hop.rtt3)

    async for hop in Traceroute("192.0.2.1", protocol="icmp", max_ttl=20):
        print(hop)

Many traces share a Context, which any event loop can drive: watch its fileno() for readability and call
its process(). Options are those of `wend trace --help` that docs/libwend.md lists, with _ for -. Times are
milliseconds. The library is libwend.so.0, or what the environment variable WEND_LIBRARY names.
"""

import asyncio
import ctypes
import os

__all__ = ["Context", "Hop", "Traceroute", "WendError", "version"]

REPLY, LOST, DONE, NAME = 1, 2, 3, 4
AGAIN, NOT_FOUND, STATE = -14, -7, -21
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
                ("mpls", ctypes.c_uint32 * 8), ("sys_errno", ctypes.c_int32),
                ("name", ctypes.c_char_p)]


class _Config(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("backend", ctypes.c_uint32),
                ("topology", ctypes.c_char_p), ("seed", ctypes.c_uint64),
                ("pps", ctypes.c_uint32), ("pps_per_destination", ctypes.c_uint32),
                ("pps_per_router", ctypes.c_uint32), ("error_size", ctypes.c_uint32),
                ("resolver", ctypes.c_char_p), ("error", ctypes.c_char_p)]


class _Stats(ctypes.Structure):
    """struct wend_stats of <wend/wend.h>."""
    _fields_ = [("size", ctypes.c_uint32), ("traces", ctypes.c_uint32),
                *[(name, ctypes.c_uint64) for name in (
                    "sent", "waits_pace", "waits_room", "eagain", "enobufs", "dropped",
                    "routes_asked", "routes_known", "pace_shared")]]


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
            ("wend_stats", ctypes.c_int, pointer, ctypes.POINTER(_Stats)),
            ("wend_process", ctypes.c_int, pointer, ctypes.c_uint32),
            ("wend_run", ctypes.c_int, pointer, ctypes.c_int64),
            ("wend_next_event", ctypes.c_int, pointer, event),
            ("wend_event_address", ctypes.c_char_p, event, ctypes.c_char_p),
            ("wend_trace", ctypes.c_int, pointer, ctypes.c_char_p, pointer, pointer, pointer,
             ctypes.POINTER(ctypes.c_uint64)),
            ("wend_cancel", ctypes.c_int, pointer, ctypes.c_uint64)):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


_lib = _load()


def version():
    return _lib.wend_version_text().decode()


class Hop:
    """Who answered at a TTL: ip of the first that did, None for silence; hostname None without a name;
    rtt1, rtt2, rtt3 of its first three probes in milliseconds, None where there was no answer. Of all its
    probes rtts and ips tell."""

    def __init__(self, ttl, probes):
        self.ttl, self.ip, self.hostname, self.reached = ttl, None, None, False
        self.rtts, self.ips = [None] * probes, [None] * probes
        self.decided = 0

    rtt1 = property(lambda self: self._rtt(0))
    rtt2 = property(lambda self: self._rtt(1))
    rtt3 = property(lambda self: self._rtt(2))

    def _rtt(self, nth):
        return self.rtts[nth] if nth < len(self.rtts) else None

    def __repr__(self):
        return f"Hop({self.ttl}, {self.ip}, {self.rtts})"


class Context:
    """Any number of traces in one thread, on one descriptor. topology: the text of a simulated network
    instead of the real one; resolver: "address[:port]" of a DNS server instead of the system's. pps,
    pps_per_destination, pps_per_router: so many probes a second at most of all together, to one address,
    and of those that one router answers; 0: no bound."""

    def __init__(self, *, topology=None, resolver=None, pps=0, pps_per_destination=0, pps_per_router=0):
        why = ctypes.create_string_buffer(256)
        config = _Config(ctypes.sizeof(_Config), topology=topology.encode() if topology else None,
                         pps=pps, pps_per_destination=pps_per_destination,
                         pps_per_router=pps_per_router, resolver=resolver.encode() if resolver else None,
                         error=ctypes.cast(why, ctypes.c_char_p), error_size=ctypes.sizeof(why))
        self._pointer, self._traces, self._watchers = ctypes.c_void_p(), {}, 0
        self._event = _Event()
        code = _lib.wend_new(ctypes.byref(config), ctypes.byref(self._pointer))
        if code != 0:
            raise WendError(code, why.value.decode() or _lib.wend_err_text(code).decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends what is under way, without telling it."""
        if self._pointer:
            _lib.wend_free(self._pointer)
            self._pointer = ctypes.c_void_p()
        self._traces.clear()

    @property
    def stats(self):
        """The counters of <wend/wend.h>, by their names."""
        stats = _Stats(ctypes.sizeof(_Stats))
        self._check(_lib.wend_stats(self._open, ctypes.byref(stats)))
        return {name: getattr(stats, name) for name, _ in _Stats._fields_[1:]}

    def fileno(self):
        """Readable when process has something to do."""
        return _lib.wend_fd(self._open)

    def process(self):
        """Does what there is to do, and calls callbacks of traces. Never blocks."""
        self._check(min(_lib.wend_process(self._open, 0), 0))
        self._tell()

    def wait(self, seconds):
        """Does what there is to do for so long, or until nothing is under way."""
        self._check(_lib.wend_run(self._open, int(seconds * 1e6)), (0, AGAIN))
        self._tell()

    # ---- inside ----

    def _check(self, code, fine=(0,)):
        if code not in fine:
            raise WendError(code, _lib.wend_error(self._open).decode())

    @property
    def _open(self):
        if not self._pointer:
            raise WendError(STATE, "this context is closed")
        return self._pointer

    def _start(self, trace, options):
        number = ctypes.c_uint64()
        self._check(_lib.wend_trace(self._open, trace.host.encode(), options, None, None,
                                    ctypes.byref(number)))
        self._traces[number.value] = trace
        return number.value

    def _cancel(self, number):
        self._check(_lib.wend_cancel(self._open, number), (0, NOT_FOUND))

    def _drop(self, number):
        """Nothing more is told of it."""
        if self._pointer and self._traces.pop(number, None):
            self._cancel(number)

    def _tell(self):
        """All events are read before anybody is told: a callback that fails keeps none from others."""
        event, calls, error = self._event, [], None
        while _lib.wend_next_event(self._open, ctypes.byref(event)) == 0:
            if event.size != ctypes.sizeof(_Event):
                raise WendError(-20, "this library's events are not those of this module")
            trace = self._traces.get(event.id)
            if event.kind == DONE:
                self._traces.pop(event.id, None)
            if trace:
                calls.extend(trace._take(event))
        for call, *arguments in calls:
            try:
                call(*arguments)
            except Exception as problem:  # noqa: BLE001
                error = error or problem
        if error:
            raise error

    def _watch(self, loop):
        self._watchers += 1
        if self._watchers == 1:
            loop.add_reader(self.fileno(), self.process)

    def _unwatch(self, loop):
        self._watchers -= 1
        if self._watchers == 0:
            loop.remove_reader(self.fileno())


class Traceroute:
    """One trace, to be made once: by run(), as an asynchronous iterator, or by start() where a context
    is driven by some other loop. names: look up host names of those who answer. After its end stop says
    why it ended ("reached"), reached whether it did, error what went wrong, None."""

    def __init__(self, host, *, context=None, topology=None, resolver=None, names=True, **options):
        self.host, self.stop, self.reached, self.error, self.done = host, None, False, None, False
        self._shared, self._context, self._number = context, None, None
        self._own = {"topology": topology, "resolver": resolver}
        self._options = {key.replace("_", "-"): self._text(value)
                         for key, value in options.items()}
        self._names, self._hostnames, self._hops, self._last = names, {}, {}, 0
        self._first, self._probes = (int(self._options.get(key, value))
                                     for key, value in (("first-ttl", 1), ("probes", 3)))
        self._on_done, self._news = None, None

    @staticmethod
    def _text(value):
        return ("yes" if value else "no") if isinstance(value, bool) else str(value)

    def run(self):
        """The hops in order, when the trace is over. Blocks."""
        try:
            self.start()
            while not self.done:
                self._context.wait(0.1)
        finally:
            self._leave()
        return self._result()

    async def __aiter__(self):
        """The hops in order, each as soon as it and all before it are decided and named."""
        loop, told, watched = asyncio.get_running_loop(), 0, False
        self._news = asyncio.Event()
        try:
            self.start()
            self._context._watch(loop)
            watched = True
            while not self.done:
                await self._news.wait()
                self._news.clear()
                for hop in (self._result() if self.done else self._decided())[told:]:
                    told += 1
                    yield hop
        finally:
            if watched:
                self._context._unwatch(loop)
            self._leave()

    def start(self, on_done=None):
        """Begins, and calls on_done(trace) when it is over, from inside process() of the context."""
        if self._number is not None:
            raise WendError(STATE, f"{self.host}: this trace was made before")
        self._context = self._shared or Context(**self._own)
        self._on_done = on_done
        options = ctypes.c_void_p()
        self._context._check(_lib.wend_options_new(ctypes.byref(options)))
        try:
            for key, value in {"numeric": "no" if self._names else "yes", **self._options}.items():
                code = _lib.wend_options_set(options, key.encode(), value.encode())
                if code != 0:
                    raise WendError(code, _lib.wend_options_error(options).decode())
            self._number = self._context._start(self, options)
        finally:
            _lib.wend_options_free(options)

    def cancel(self):
        """Ends it early: as when it is over by itself, with stop "canceled"."""
        if self._number is not None and not self.done:
            self._context._cancel(self._number)

    @property
    def hops(self):
        """Those known by now: at the end up to the target, or the last that answered."""
        last = self._last if self.reached or self.stop == "unreachable" else max(
            (ttl for ttl, hop in self._hops.items() if hop.ip), default=0)
        return [self._hop(ttl) for ttl in range(self._first, last + 1)]

    # ---- inside ----

    def _leave(self):
        if not self._context:
            return
        if self._shared:
            self._context._drop(self._number)
        else:
            self._context.close()
        self._context = None

    def _hop(self, ttl):
        return self._hops.setdefault(ttl, Hop(ttl, self._probes))

    def _take(self, event):
        """The calls that follow from an event."""
        if event.kind in (REPLY, LOST):
            hop = self._hop(event.ttl)
            hop.decided += not event.late
            if event.kind == REPLY:
                self._answer(hop, event)
        elif event.kind == NAME:
            self._name(self._address(event), event.name.decode() or None)
        elif event.kind == DONE:
            self._end(event)
            if self._on_done:
                yield self._on_done, self
        if self._news:
            self._news.set()

    @staticmethod
    def _address(event):
        text = ctypes.create_string_buffer(ADDRESS_TEXT)
        return _lib.wend_event_address(ctypes.byref(event), text).decode()

    def _answer(self, hop, event):
        address = self._address(event)
        hop.ip = hop.ip or address
        hop.hostname = self._hostnames.get(hop.ip)
        hop.reached = hop.reached or bool(event.reached)
        if event.probe < self._probes:
            hop.ips[event.probe] = address
            if event.rtt_ns >= 0:
                hop.rtts[event.probe] = event.rtt_ns / 1e6

    def _name(self, address, name):
        self._hostnames[address] = name
        for hop in self._hops.values():
            if hop.ip == address:
                hop.hostname = name

    def _end(self, event):
        self.done, self.stop = True, _lib.wend_stop_name(event.stop).decode()
        self.reached, self._last = bool(event.reached), event.ttl
        if event.err:
            self.error = WendError(event.err,
                                   f"{self.host}: {_lib.wend_err_text(event.err).decode()}")

    def _result(self):
        if self.error and not self._hops and self.stop != "canceled":
            raise self.error
        return self.hops

    def _decided(self):
        """Hops from the first on that nothing more is to come of."""
        ready = []
        for ttl in range(self._first, max(self._hops, default=0) + 1):
            hop = self._hop(ttl)
            if hop.decided < self._probes or (
                    self._names and hop.ip and hop.ip not in self._hostnames):
                break
            ready.append(hop)
            if hop.reached:
                break
        return ready
