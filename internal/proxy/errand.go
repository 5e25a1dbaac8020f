package proxy

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// errand is told by the transport how far a request of the router's own came.
// Its callbacks run on the transport's goroutines.
type errand struct {
	method string
	wrote  atomic.Bool                 // its head has been begun
	conn   atomic.Pointer[watchedConn] // nil: none yet, or it speaks HTTP/2
}

// watched returns a context in which a request is followed.
func (e *errand) watched(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:          e.gotConn,
		WroteHeaderField: func(string, []string) { e.wrote.Store(true) },
	})
}

// gotConn announces an answer: what comes behind its end is no other one's.
func (e *errand) gotConn(info httptrace.GotConnInfo) {
	conn, _ := info.Conn.(*watchedConn)
	if conn != nil {
		conn.watch.expectResponse(e.method)
	}
	e.conn.Store(conn)
}
