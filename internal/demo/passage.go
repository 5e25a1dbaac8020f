package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// uploadSize is how much the script uploads: 8 MiB.
const uploadSize = 8 << 20

// question is a request whose answer is the same each time it is asked.
type question struct {
	method, path string
	header       [2]string
	body         string
}

// questions are one of each kind that the legacy shop answers; they must not
// depend on what visitors do meanwhile.
func questions() []question {
	list := []question{
		{method: http.MethodHead, path: "/products/3"},
		{method: http.MethodGet, path: "/api/products", header: [2]string{"Accept", "text/csv"}},
		{method: http.MethodGet, path: "/assets/shop.css", header: [2]string{"If-None-Match", `"` + digest(styleSheet) + `"`}},
		{method: http.MethodGet, path: "/assets/shop.css", header: [2]string{"Range", "bytes=10-19"}},
		{method: http.MethodPost, path: "/api/orders", body: "this is no order"},
		{method: http.MethodPost, path: "/uploads", body: "a small file"},
		{method: http.MethodDelete, path: "/api/orders/1001"},
	}
	for _, path := range []string{
		"/", "/products", "/products/1", "/products/99", "/cart", "/login", "/shop", "/nowhere", "/a%2Fb/../%7Ec;d=1?x=%20+&y;z",
		"/assets/shop.css", "/healthz", "/api/products", "/api/products/7", "/api/orders/1001", "/api/orders/1", "/api/orders?customer=visitor-3x",
	} {
		list = append(list, question{method: http.MethodGet, path: path})
	}
	for id := FirstOrder; id < FirstOrder+SeedOrders; id += 10 {
		list = append(list, question{method: http.MethodGet, path: fmt.Sprintf("/api/orders/%d", id)})
	}
	return list
}

// statement is an answer as far as the two ways to it must agree.
type statement struct {
	status  int
	header  http.Header // without Date
	trailer http.Header
	body    []byte // without the moment at which an order was read
}

// unchanged asks the legacy shop the same, directly and through the router.
func (s *script) unchanged(ctx context.Context) (found string, err error) {
	asked, size := questions(), 0
	for _, q := range asked {
		direct, err := s.ask(ctx, s.place.LegacyURL, q)
		if err != nil {
			return "", err
		}
		routed, err := s.ask(ctx, s.place.Shop, q)
		if err != nil {
			return "", err
		}
		if err := same(direct, routed); err != nil {
			return "", fmt.Errorf("%s %s: %w", q.method, q.path, err)
		}
		size += len(direct.body)
	}
	return fmt.Sprintf("%d answers, %d bytes and all headers alike, but for Date and the clock", len(asked), size), nil
}

func (s *script) ask(ctx context.Context, base string, q question) (statement, error) {
	req, err := http.NewRequestWithContext(ctx, q.method, base, strings.NewReader(q.body))
	if err != nil {
		return statement{}, err
	}
	req.URL.Opaque = q.path // on the request line exactly as it is written
	if q.header[0] != "" {
		req.Header.Set(q.header[0], q.header[1])
	}
	resp, err := s.client.Transport.RoundTrip(req)
	if err != nil {
		return statement{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return statement{}, fmt.Errorf("%s %s%s: the answer broke off: %w", q.method, base, q.path, err)
	}
	resp.Header.Del("Date")
	return statement{resp.StatusCode, resp.Header, resp.Trailer, stopClock(body)}, nil
}

// stopClock blanks the moment at which an order was read.
func stopClock(body []byte) []byte {
	before, rest, found := bytes.Cut(body, []byte(`"generated_at":"`))
	if !found {
		return body
	}
	_, after, _ := bytes.Cut(rest, []byte(`"`))
	return slices.Concat(before, after)
}

func same(direct, routed statement) error {
	switch {
	case direct.status != routed.status:
		return fmt.Errorf("status %d directly, %d through the router", direct.status, routed.status)
	case !reflect.DeepEqual(direct.header, routed.header):
		return fmt.Errorf("headers %v directly, %v through the router", direct.header, routed.header)
	case !reflect.DeepEqual(direct.trailer, routed.trailer):
		return fmt.Errorf("trailers %v directly, %v through the router", direct.trailer, routed.trailer)
	case !bytes.Equal(direct.body, routed.body):
		return fmt.Errorf("%d bytes directly, %d other ones through the router", len(direct.body), len(routed.body))
	default:
		return nil
	}
}

// upload sends a large body through the router and compares what arrived.
func (s *script) upload(ctx context.Context) (found string, err error) {
	content := make([]byte, uploadSize)
	for i := range content {
		content[i] = byte(i ^ i>>8 ^ i>>16)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.place.Shop+"/uploads", bytes.NewReader(content))
	if err != nil {
		return "", err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var got struct {
		Size   int64
		SHA256 string
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&got); err != nil {
		return "", fmt.Errorf("status %d, and the answer cannot be read: %w", resp.StatusCode, err)
	}
	sum := sha256.Sum256(content)
	if got.Size != uploadSize || got.SHA256 != hex.EncodeToString(sum[:]) {
		return "", fmt.Errorf("sent %d bytes with SHA-256 %x, arrived %d with %s", uploadSize, sum, got.Size, got.SHA256)
	}
	return fmt.Sprintf("%d MiB, SHA-256 %s…", uploadSize>>20, got.SHA256[:12]), nil
}
