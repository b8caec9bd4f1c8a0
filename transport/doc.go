// Package transport drives the machines of package protocol: it does for a
// [protocol.Core] what a machine does not do itself, which is to move octets, to
// watch the clock and to start TLS.
//
// # The in-memory link
//
// A [Pipe] joins two cores on the caller's goroutine. It needs no socket, no
// goroutine and no clock: time is virtual and passes only between events, so that
// a conversation over a slow link with deadlines of ten minutes takes
// microseconds, and takes the same course each time. [Pipe.Step] makes the next
// event happen; [Pipe.Run], [Pipe.RunUntil] and [Await] take as many steps as are
// needed.
//
// [PipeOptions] shape the link: latency, window, the places where the stream is
// cut into deliveries, slow readers and writers, and a fault at any octet. A tap
// sees each event with its virtual time. Nothing depends on anything but the cores,
// the options and the seed in them.
//
// # Who owns what
//
// A Pipe and its two cores belong to one goroutine, and so do the futures of the
// cores. What happens inside a callback of a core may use the core within rule 5 of
// its contract, and may call [Pipe.Break], [Pipe.AfterFunc] and [Pipe.Now], but may
// not step the Pipe.
package transport
