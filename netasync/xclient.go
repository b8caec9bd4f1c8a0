package netasync

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// speakFor takes over what a trusted client says of the client that it speaks for:
// the ADDR, PORT and LOGIN of Postfix's XCLIENT. The caller holds the loop's lock.
func (s *Session) speakFor(args string) {
	old, _ := s.remote.(*net.TCPAddr)
	var now net.TCPAddr
	if old != nil {
		now = *old
	}
	for attribute := range strings.FieldsSeq(args) {
		name, encoded, _ := strings.Cut(attribute, "=")
		value, err := wire.ParseXtext(encoded)
		if err != nil || strings.HasPrefix(value, "[") {
			continue // [UNAVAILABLE] and [TEMPUNAVAIL]
		}
		switch strings.ToUpper(name) {
		case "ADDR":
			if len(value) > 5 && strings.EqualFold(value[:5], "IPV6:") {
				value = value[5:]
			}
			if ip, err := netip.ParseAddr(value); err == nil {
				now.IP, now.Zone = ip.AsSlice(), ""
				s.remote = &now
			}
		case "PORT":
			if port, err := strconv.ParseUint(value, 10, 16); err == nil {
				now.Port = int(port)
				s.remote = &now
			}
		case "LOGIN":
			s.client = Login{Mechanism: wire.VerbXClient, Username: value, Identity: value}
		}
	}
}
