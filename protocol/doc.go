// Package protocol is SMTP and LMTP without I/O: state machines that turn bytes
// and time into bytes and futures. There is no socket, clock or goroutine inside.
// What runs them over a connection, or over a link in virtual time, is in package
// transport; an event loop of your own drives them just as well.
//
// Core is the driver's side of a machine: octets in, octets out, a deadline, and
// eleven rules that stand on the type. Client is the client's machine, and a queue
// of tasks on top of it: each call returns its future at once. Server is the server's,
// and a queue of requests: each is a promise to answer.
//
//	c, err := protocol.NewClient(now, protocol.ClientConfig{})
//	c.Hello("client.example")
//	message := c.Send(envelope, protocol.BodyText(content))
//	c.Quit()
//
//	s, err := protocol.NewServer(now, protocol.ServerConfig{Requests: protocol.RequestRcpt | protocol.RequestData})
//	for r, ok := s.Next(); ok; r, ok = s.Next() {
//		…
//	}
//
// # Driving a Core
//
// A driver keeps four promises: what it reads goes to Feed, what Output lends is
// written and reported to Wrote, when Deadline is reached it calls Tick, and when
// Upgrade asks for TLS it starts TLS and calls Upgraded.
//
//	for core.Err() == nil {
//		for chunks := core.Output(now(), nil, 64<<10); len(chunks) > 0; {
//			core.Wrote(now(), write(chunks))
//			chunks = core.Output(now(), chunks[:0], 64<<10)
//		}
//		p, err := read(core.Deadline())
//		switch {
//		case err == io.EOF:
//			core.FeedEOF(now())
//		case err == timeout:
//			core.Tick(now())
//		default:
//			core.Feed(now(), p)
//		}
//	}
//
// A chunk of output is octets in memory or, where a Body lets its content lie in a
// file, a part of that file, which a driver may leave to the system to copy. To
// Chunk.Read both are the same.
//
// # Outcomes
//
// A message is accepted when the 2yz to the end of its content was read, refused
// when a 4yz or 5yz stands in the way, not delivered when its end of data was never
// handed over, and unknown when it was and no verdict came. See Outcome, Receipt
// and DeliveryError. What was handed over is judged by what was lent, since an
// acknowledgement can be lost where the octets were not. No more messages than
// ClientConfig.Window allows can be unknown at a time.
//
// # Errors
//
// Each kind is a type: *ReplyError, *ProtocolError, *TimeoutError,
// *ConnectionError, *TLSError, *AuthError, *ConfigError, *LimitError and
// *BodyError; a message's is wrapped in a *DeliveryError. All are one line, and none
// holds a secret.
package protocol
