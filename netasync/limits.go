package netasync

import (
	"net"
	"net/netip"
	"time"
)

const (
	defaultMaxConnections = 10_000
	defaultMaxPerAddress  = 100
	// maxAddresses bounds how many addresses without a connection are remembered for
	// their rate. Beyond, all those are forgotten.
	maxAddresses = 1 << 16
)

// limits counts by address. It belongs to the Server's lock.
type limits struct {
	addresses map[netip.Addr]visits
	idle      int // of those, without a connection
}

// visits are the connections of one address.
type visits struct {
	open int
	// due is when the address will have used up nothing of its rate: each
	// connection moves it by the time that it stands for, from now on at the earliest.
	due time.Time
}

// enter counts a connection, and reports whether there is room for it.
func (l *limits) enter(address netip.Addr, now time.Time, maxOpen, perMinute int) bool {
	v, known := l.addresses[address]
	if maxOpen >= 0 && v.open >= maxOpen {
		return false
	}
	if perMinute > 0 {
		if v.due.Before(now) {
			v.due = now
		}
		v.due = v.due.Add(time.Minute / time.Duration(perMinute))
		if v.due.After(now.Add(time.Minute)) {
			return false
		}
	}
	if known && v.open == 0 {
		l.idle--
	}
	v.open++
	if l.addresses == nil {
		l.addresses = map[netip.Addr]visits{}
	}
	l.addresses[address] = v
	return true
}

// leave is the end of a connection that entered.
func (l *limits) leave(address netip.Addr, now time.Time) {
	v := l.addresses[address]
	v.open--
	switch {
	case v.open == 0 && !v.due.After(now):
		delete(l.addresses, address)
		return
	case v.open == 0:
		l.idle++
	}
	l.addresses[address] = v
	if l.idle > maxAddresses {
		l.forget()
	}
}

func (l *limits) forget() {
	for address, v := range l.addresses {
		if v.open == 0 {
			delete(l.addresses, address)
		}
	}
	l.idle = 0
}

// limited is what an address counts as: IPv6 is handed out by the /64. It is not valid where there is no
// IP address.
func limited(addr net.Addr) netip.Addr {
	ip := ipOf(addr)
	if !ip.Is6() {
		return ip
	}
	prefix, _ := ip.WithZone("").Prefix(64)
	return prefix.Addr()
}

// ipOf is the IP address in a network address; not valid where there is none.
func ipOf(addr net.Addr) netip.Addr {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}

func contains(networks []netip.Prefix, addr net.Addr) bool {
	ip := ipOf(addr).WithZone("")
	for _, network := range networks {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// count reports whether a session may go on, by its address.
func (s *Server) count(session *Session) bool {
	address := limited(session.remote())
	if !address.IsValid() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.limits.enter(address, time.Now(), orDefault(s.MaxPerAddress, defaultMaxPerAddress), s.MaxRate) {
		return false
	}
	session.address = address
	return true
}
