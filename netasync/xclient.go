package netasync

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// speakFor takes over what a trusted client says of the client that it speaks for, by
// the XCLIENT of Postfix: addresses, ports and the login. Name, HELO and protocol are
// left to the application. The caller holds the loop's lock.
func (s *Session) speakFor(args string) {
	s.learn(func(who *identity) {
		remote, local := tcpAddr(who.remoteOf(s.conn)), tcpAddr(who.localOf(s.conn))
		for attribute := range strings.FieldsSeq(args) {
			name, encoded, _ := strings.Cut(attribute, "=")
			value, err := wire.ParseXtext(encoded)
			if err != nil || strings.HasPrefix(value, "[") {
				continue // [UNAVAILABLE] and [TEMPUNAVAIL]
			}
			switch strings.ToUpper(name) {
			case "ADDR":
				setIP(&remote, value)
			case "PORT":
				setPort(&remote, value)
			case "DESTADDR":
				setIP(&local, value)
			case "DESTPORT":
				setPort(&local, value)
			case "LOGIN":
				who.client = Login{Mechanism: wire.VerbXClient, Username: value, Identity: value}
			}
		}
		who.remote, who.local = &remote, &local
	})
}

// tcpAddr is a copy of an address; of one that is none of TCP's, nothing.
func tcpAddr(addr net.Addr) net.TCPAddr {
	if tcp, is := addr.(*net.TCPAddr); is {
		return *tcp
	}
	return net.TCPAddr{}
}

func setIP(addr *net.TCPAddr, value string) {
	if ip, err := netip.ParseAddr(withoutIPv6Tag(value)); err == nil {
		addr.IP, addr.Zone = ip.AsSlice(), ""
	}
}

func setPort(addr *net.TCPAddr, value string) {
	if port, err := strconv.ParseUint(value, 10, 16); err == nil {
		addr.Port = int(port)
	}
}

// withoutIPv6Tag takes off what stands in front of IPv6 addresses.
func withoutIPv6Tag(s string) string {
	const tag = "IPV6:"
	if len(s) > len(tag) && strings.EqualFold(s[:len(tag)], tag) {
		return s[len(tag):]
	}
	return s
}
