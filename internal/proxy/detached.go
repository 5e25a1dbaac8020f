package proxy

import (
	"io"
	"sync"
)

// detachedBody is an HTTP/1 client's body whose reader can stop waiting for the
// client at any time. net/http has no other way: a read of such a body ends
// with the client's next bytes or with its connection.
type detachedBody struct {
	body  *upload
	begin sync.Once
	r     *io.PipeReader
	w     *io.PipeWriter
}

func newDetachedBody(body *upload) *detachedBody {
	r, w := io.Pipe()
	return &detachedBody{body: body, r: r, w: w}
}

// Read passes the client's bytes on. The first one begins to read the body,
// which is when the server asks a client that expects it to continue.
func (d *detachedBody) Read(p []byte) (int, error) {
	d.begin.Do(func() { go d.copy() })
	return d.r.Read(p)
}

// copy ends with the body, or when the server closes it after the exchange.
func (d *detachedBody) copy() {
	pooled := borrowBuffer()
	defer buffers.Put(pooled)
	_, err := io.CopyBuffer(d.w, struct{ io.Reader }{d.body}, *pooled)
	_ = d.w.CloseWithError(err)
}

// Close ends a Read under way and waits for nobody.
func (d *detachedBody) Close() error { return d.r.Close() }
