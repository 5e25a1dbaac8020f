package routing

import "net/netip"

// Header is a request's header fields as conditions and cohort keys read them.
// Names are asked for in canonical form (X-User-Id); net/http's Header fits.
type Header interface {
	Get(name string) string      // the first value, "" without one
	Values(name string) []string // all values, in order; not changed by the reader
}

// Request is what routing must know of one request.
type Request struct {
	Method   string
	Host     string // as NormalizeHost returns it: lower case, no port
	Path     string // as NormalizePath returns it
	RawQuery string // as on the request line, without the question mark
	Header   Header // nil: no header fields
	Client   netip.Addr
}

func (r *Request) values(name string) []string {
	if r.Header == nil {
		return nil
	}
	return r.Header.Values(name)
}
