package compare

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	maxCodings = 4       // of one body, one upon the other
	sureSize   = 1 << 20 // bytes up to which a body may grow from however few
)

var errTooLarge = errors.New("the body is larger than it may become")

// codingsOf returns the content codings of a body in the order in which they
// were applied (RFC 9110, 8.4), without those that change nothing.
func codingsOf(header map[string][]string) []string {
	var codings []string
	for _, value := range header["Content-Encoding"] {
		for coding := range strings.SplitSeq(value, ",") {
			switch coding = strings.ToLower(strings.TrimSpace(coding)); coding {
			case "", "identity":
			case "x-gzip":
				codings = append(codings, "gzip")
			default:
				codings = append(codings, coding)
			}
		}
	}
	return codings
}

// decode takes the content codings off a body. The reason is why it cannot;
// empty: it could.
func decode(body []byte, codings []string, limits Limits) (decoded []byte, reason string) {
	if len(body) == 0 {
		return nil, ""
	}
	if len(codings) > maxCodings {
		return nil, ReasonUndecodable
	}
	most, beyond := limits.Decoded, ReasonOverBudget
	if grown := max(sureSize, int64(len(body))*int64(limits.Ratio)); grown < most {
		most, beyond = grown, ReasonBomb
	}
	decoded = body
	for _, coding := range slices.Backward(codings) {
		var err error
		decoded, err = inflate(decoded, coding, most)
		switch {
		case errors.Is(err, errTooLarge):
			return nil, beyond
		case err != nil:
			return nil, ReasonUndecodable
		}
	}
	if int64(len(decoded)) > limits.Decoded {
		return nil, ReasonOverBudget
	}
	return decoded, ""
}

// inflate takes one coding off. It never holds more than most bytes.
func inflate(body []byte, coding string, most int64) ([]byte, error) {
	source := bytes.NewReader(body)
	reader, err := inflater(source, coding, body)
	if err != nil {
		return nil, err
	}
	decoded, err := io.ReadAll(io.LimitReader(reader, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(decoded)) > most:
		return nil, errTooLarge
	case source.Len() > 0:
		return nil, fmt.Errorf("%d bytes follow the %s data", source.Len(), coding)
	}
	return decoded, nil
}

func inflater(source *bytes.Reader, coding string, body []byte) (io.Reader, error) {
	switch coding {
	case "gzip":
		return gzip.NewReader(source)
	case "deflate":
		if isZlib(body) {
			return zlib.NewReader(source)
		}
		return flate.NewReader(source), nil
	default:
		return nil, fmt.Errorf("content coding %q is not known", coding)
	}
}

// isZlib reports whether deflated data has the header that RFC 1950 wants and
// some servers leave out.
func isZlib(body []byte) bool {
	return len(body) >= 2 && body[0]&0x0f == 8 && (int(body[0])<<8|int(body[1]))%31 == 0
}
