package peers_test

import (
	"net"
	"sync"
)

// listener gives a server the connections that are put into it.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

// listen returns a listener with one connection in it.
func listen(conn net.Conn) *listener {
	l := &listener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conns <- conn
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return address{} }
