package exchange

import (
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// GRPCTimeout returns how long the caller of a gRPC method waits for the end of
// it: grpc-timeout, at most 8 digits and a unit. 0: without end, or not readable.
func GRPCTimeout(in Fields) time.Duration {
	text := in.get("Grpc-Timeout")
	if len(text) < 2 || len(text) > 9 {
		return 0
	}
	var unit time.Duration
	switch text[len(text)-1] {
	case 'H':
		unit = time.Hour
	case 'M':
		unit = time.Minute
	case 'S':
		unit = time.Second
	case 'm':
		unit = time.Millisecond
	case 'u':
		unit = time.Microsecond
	case 'n':
		unit = time.Nanosecond
	}
	count, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if err != nil {
		return 0
	}
	const longest = 1<<63 - 1
	if unit > 0 && time.Duration(count) > longest/unit {
		return longest
	}
	return time.Duration(count) * unit
}

// grpcStatuses that count as failures: those with which a server says that it
// could not, and not that it would not.
const (
	grpcDeadlineExceeded = 4
	grpcUnimplemented    = 12
	grpcResourceUsed     = 8
	grpcInternal         = 13
	grpcUnavailable      = 14
)

// grpcClass is the class of a gRPC answer by the grpc-status in fields, which
// are its trailers, or its head when it has nothing else.
func grpcClass(fields Fields) guard.Class {
	status, err := strconv.Atoi(fields.get("Grpc-Status"))
	if err != nil {
		return guard.OK // none: the HTTP status alone counts
	}
	switch status {
	case grpcDeadlineExceeded, grpcResourceUsed, grpcInternal, grpcUnavailable:
		return guard.Failure
	default:
		return guard.OK
	}
}

// Relayed records that the whole response was relayed. Only now a stream of
// gRPC messages has told how it ended.
func (x *Exchange) Relayed(trailers Fields) Next {
	if x.Kind == KindGRPC && x.Class == guard.OK {
		x.Class = grpcClass(trailers)
	}
	return Next{Do: Done}
}

// GRPC returns the problem as gRPC says it, in two header fields of an answer
// with status 200 and no body. The numbers are those of gRPC's own mapping from
// HTTP, but for the timeout, which gRPC has a better one for.
func (p *Problem) GRPC() (status, message string) {
	code := grpcInternal
	switch p.Status {
	case 404:
		code = grpcUnimplemented
	case 502, 503:
		code = grpcUnavailable
	case 504:
		code = grpcDeadlineExceeded
	}
	return strconv.Itoa(code), percentEncoded("strangler: " + p.Code + ": " + p.Title)
}

// percentEncoded is a message as grpc-message carries it.
func percentEncoded(text string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			out.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}
