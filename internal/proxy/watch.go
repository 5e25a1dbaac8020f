package proxy

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// net/http accepts a message head with both Content-Length and
// Transfer-Encoding, drops the former, and keeps the connection: nobody behind
// it can tell any more. Two servers that disagree on which of the two counts
// disagree on where the next message starts (RFC 9112 §11.2), so such a head
// has to be seen before net/http has read it. That is what this file does: it
// reads along and changes nothing. What it cannot follow it does not guess at:
// a connection on which it is lost is not used again after a chunked request.
//
// One thing it holds back: what a backend sends behind the end of an answer.
// The transport would take it for the answer to the next request, somebody
// else's, when that gets the connection before the transport looks again.

// watchedConn is a connection whose incoming heads are watched.
type watchedConn struct {
	net.Conn
	watch   *headWatch
	surplus bool // more than an answer came; owned by who reads
}

// Read reads from the connection and shows the watch what came. What no request
// asked for ends the connection.
func (c *watchedConn) Read(p []byte) (int, error) {
	if c.surplus {
		return 0, errSurplus
	}
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	wanted := c.watch.see(p[:n])
	if c.surplus = wanted < n; c.surplus && wanted == 0 {
		return 0, errSurplus
	}
	return wanted, err
}

var errSurplus = errors.New("the backend sent more than an answer")

// CloseWrite ends the sending direction, where the connection can.
func (c *watchedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// watchListener watches the requests of every connection it accepts.
type watchListener struct{ net.Listener }

// Accept waits for the next connection.
func (l watchListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: conn, watch: &headWatch{state: inHead}}, nil
}

// watchResponses watches a backend connection; it looks away until expectResponse.
func watchResponses(conn net.Conn) net.Conn {
	return &watchedConn{Conn: conn, watch: &headWatch{state: lookAway, responses: true}}
}

type watchKey struct{}

// watchContext hands a connection's watch to its requests.
func watchContext(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*watchedConn); ok {
		return context.WithValue(ctx, watchKey{}, c.watch)
	}
	return ctx
}

// watchOf returns the watch of the connection a request came on; nil for HTTP/2
// over TLS, which has none.
func watchOf(ctx context.Context) *headWatch {
	w, _ := ctx.Value(watchKey{}).(*headWatch)
	return w
}

// overTLS reports whether a request came over TLS. net/http itself sees only the
// connections that are not watched.
func overTLS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	watch := watchOf(r.Context())
	return watch != nil && watch.secured
}

// ambiguousResponse reports whether a backend's head said in two ways how long
// its body is.
func ambiguousResponse(res *http.Response, conn *watchedConn) bool {
	return len(res.TransferEncoding) > 0 && conn != nil && conn.watch.sawAmbiguous()
}

// watchState is where in a message the next byte belongs.
type watchState uint8

const (
	inHead watchState = iota // request or status line, and fields
	inBody                   // left bytes of content or of a chunk
	inChunkSize
	inChunkEnd // the line end after a chunk's data
	inTrailer
	afterEnd // responses: nothing more is expected
	lookAway // nothing to watch: HTTP/2, a tunnel, or no answer expected yet
)

// maxWatchedLine bounds what is kept of a line that arrives in pieces: enough
// for a name and a length. The rest of a longer line does not matter here.
const maxWatchedLine = 64

// headWatch follows the framing of one direction of a connection.
type headWatch struct {
	mu        sync.Mutex // owns the rest
	responses bool
	bodiless  bool // responses: to HEAD
	secured   bool // the connection is TLS; fixed
	state     watchState
	answered  bool   // responses: a byte has come since expectResponse
	followed  bool   // responses: so has one behind the head
	line      []byte // the beginning of a line whose end has not arrived
	cut       bool   // line is not all of it
	left      int64  // bytes of body or chunk still to come
	begun     bool   // a first line has come on this connection
	started   bool   // the head has its first line
	status    status // responses: of this head
	old       bool   // responses: of HTTP/1.0, which has no chunks
	length    int64  // of Content-Length
	hasLength bool
	chunked   bool // there is a Transfer-Encoding

	// These stay so for the connection's life.
	ambiguous bool // a head had both
	coded     bool // a head had a Transfer-Encoding
	lost      bool // where heads begin is no longer known
}

// expectResponse starts watching for one answer to a request with method.
func (h *headWatch) expectResponse(method string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resetHead()
	h.answered, h.followed = false, false
	h.bodiless = method == http.MethodHead
}

// sawAnswer reports whether a byte of the expected answer has come.
func (h *headWatch) sawAnswer() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.answered
}

// sawBody reports whether a byte has come behind the expected answer's head.
func (h *headWatch) sawBody() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.followed
}

// off ends watching: the bytes are no longer HTTP/1.
func (h *headWatch) off() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = lookAway
}

// sawAmbiguous reports whether a head with both lengths has come by.
func (h *headWatch) sawAmbiguous() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ambiguous
}

// sawCoding reports whether a head with a Transfer-Encoding has come by.
func (h *headWatch) sawCoding() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.coded
}

// follows reports whether every head so far was seen; nil sees none.
func (h *headWatch) follows() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.lost
}

func (h *headWatch) resetHead() {
	h.state, h.line = inHead, h.line[:0]
	h.started, h.status, h.hasLength, h.chunked, h.length = false, unknown, false, false, 0
}

// see follows the bytes p, and returns how many of them belong to a message.
func (h *headWatch) see(p []byte) (wanted int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered = true
	came := len(p)
	for len(p) > 0 {
		h.followed = h.followed || h.state != inHead
		switch h.state {
		case afterEnd:
			return came - len(p)
		case lookAway:
			return came
		case inBody:
			n := min(h.left, int64(len(p)))
			h.left -= n
			p = p[n:]
			if h.left == 0 {
				h.endOfContent()
			}
		default:
			end := bytes.IndexByte(p, '\n')
			if end < 0 {
				h.keep(p)
				return came
			}
			h.takeLine(p[:end])
			p = p[end+1:]
		}
	}
	return came
}

// keep remembers the beginning of an unfinished line.
func (h *headWatch) keep(p []byte) {
	room := maxWatchedLine - len(h.line)
	h.cut = h.cut || len(p) > room
	h.line = append(h.line, p[:min(room, len(p))]...)
}

// takeLine handles one whole line, without its LF.
func (h *headWatch) takeLine(line []byte) {
	if len(h.line) > 0 {
		h.keep(line)
		line = h.line
		h.line = h.line[:0]
	}
	line = bytes.TrimSuffix(line, []byte{'\r'})
	switch h.state {
	case inHead:
		h.headLine(line)
	case inChunkSize:
		h.chunkSize(line)
	case inChunkEnd:
		h.state = inChunkSize
	case inTrailer:
		if len(line) == 0 {
			h.endOfMessage()
		}
	}
	h.cut = false
}

// headLine handles a line of a head, the empty one that ends it included.
func (h *headWatch) headLine(line []byte) {
	switch {
	case len(line) == 0 && !h.started: // servers skip empty lines before a request
	case len(line) == 0:
		h.endOfHead()
	case !h.started:
		h.started = true
		h.status, h.old = statusOf(line), bytes.HasPrefix(line, []byte("HTTP/1.0"))
		if !h.begun && bytes.HasPrefix(line, []byte("PRI * HTTP/2")) {
			h.state = lookAway
		}
		h.begun = true
	case line[0] == ' ' || line[0] == '\t':
		h.lost = true // net/http takes a folded line for more of the field above
	default:
		h.field(line)
	}
}

// field notes the two fields that say how long a message is.
func (h *headWatch) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte{':'})
	switch {
	case len(name) == len("Content-Length") && bytes.EqualFold(name, []byte("Content-Length")):
		length, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
		h.hasLength, h.length = true, length
		h.lost = h.lost || err != nil || h.cut
	case len(name) == len("Transfer-Encoding") && bytes.EqualFold(name, []byte("Transfer-Encoding")):
		h.chunked, h.coded = true, true
	}
}

// endOfHead decides what follows a head.
func (h *headWatch) endOfHead() {
	h.ambiguous = h.ambiguous || (h.chunked && h.hasLength)
	switch {
	case h.responses && h.status == interim:
		h.resetHead()
	case h.responses && (h.bodiless || h.status == empty):
		h.state = afterEnd
	case h.responses && (h.status == unknown || (h.old && h.chunked) || (!h.chunked && !h.hasLength)):
		h.state = lookAway // it has no end but the connection's
	case h.lost:
		h.state = lookAway
	case h.chunked:
		h.state = inChunkSize
	case h.length > 0:
		h.state, h.left = inBody, h.length
	default:
		h.endOfMessage()
	}
}

// endOfMessage follows the last byte of a message. The next answer is announced.
func (h *headWatch) endOfMessage() {
	h.resetHead()
	if h.responses {
		h.state = afterEnd
	}
}

// status is what a status line says of the answer's body.
type status uint8

const (
	unknown status = iota // among them 101, after which it is no HTTP any more
	interim
	empty // there is none, whatever the fields say
	plain
)

// statusOf reads a status line written as RFC 9112 §4 has it; any other is unknown.
func statusOf(line []byte) status {
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return unknown
	}
	switch code := string(line[9:12]); {
	case code == "101", code < "100", code > "999":
		return unknown
	case code[0] == '1':
		return interim
	case code == "204", code == "304":
		return empty
	default:
		return plain
	}
}

// chunkSize handles the line before a chunk.
func (h *headWatch) chunkSize(line []byte) {
	digits, _, _ := bytes.Cut(line, []byte{';'})
	size, err := strconv.ParseInt(string(bytes.TrimSpace(digits)), 16, 64)
	switch {
	case err != nil || size < 0:
		h.state, h.lost = lookAway, true // net/http refuses it
	case size == 0:
		h.state = inTrailer
	default:
		h.state, h.left = inBody, size
	}
}

// endOfContent follows the last byte of a body or of a chunk.
func (h *headWatch) endOfContent() {
	if h.chunked {
		h.state = inChunkEnd
		return
	}
	h.endOfMessage()
}
