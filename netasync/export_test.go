package netasync

import "net"

// HelloFor is the name for EHLO of a machine by that host name.
func HelloFor(hostname string, conn net.Conn) string { return helloName(hostname, conn) }
