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
// # Connections
//
// A [Loop] drives a core over one net.Conn. It reads on one goroutine, which is the
// only one at rest, and writes wherever output comes up, without blocking; the rest,
// where a socket is full, is written by a goroutine that ends with it. TLS starts
// beneath the core when the core asks, or first of all. [Drive] gives a Loop a
// goroutine; [Await] lends it the caller's for as long as a wait takes.
//
// [Turn] is what is the same in every driver: input that the core would not take
// yet, the one report of a failed write, output until the wire is full. A driver for
// an event loop is a few lines around it, as its example shows.
//
// # Who owns what
//
// What belongs to a Loop's core is used inside [Loop.Do], from any goroutine, or in
// a callback of the core, where Do would wait for itself. A Loop owns its conn.
//
// A Pipe and its two cores belong to one goroutine, and so do the futures of the
// cores. What happens inside a callback of a core may use the core within rule 5 of
// its contract, and may call [Pipe.Break], [Pipe.AfterFunc] and [Pipe.Now], but may
// not step the Pipe.
package transport
