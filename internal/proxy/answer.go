package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
)

// proxyName is who we are in Proxy-Status.
const proxyName = "strangler"

// problemBody is the JSON of a router-made answer (RFC 9457).
type problemBody struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      string `json:"code"`
	RequestID string `json:"request_id"`
}

// answer sends a router-made answer.
func (f *flow) answer(p *exchange.Problem) {
	if f.answered || f.lost() {
		abort()
	}
	f.answered = true
	f.Problem, f.Status = p, p.Status
	if f.Kind == exchange.KindGRPC {
		f.answerGRPC(p)
		return
	}
	body, err := json.Marshal(problemBody{
		Type: "about:blank", Title: p.Title, Status: p.Status, Detail: p.Detail, Code: p.Code, RequestID: f.RequestID,
	})
	if err != nil {
		abort()
	}
	h := f.w.Header()
	clear(h)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Proxy-Status", proxyStatus(p))
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if f.closes() || (p.Close && f.r.ProtoMajor == 1) {
		h.Set("Connection", "close")
	}
	if p.Status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	f.w.WriteHeader(p.Status)
	if f.Method != http.MethodHead {
		n, _ := f.w.Write(body)
		f.SentBytes = int64(n)
	}
}

// answerGRPC says a problem in the way that gRPC's clients understand: the
// outcome is in grpc-status, and HTTP's status is always 200.
func (f *flow) answerGRPC(p *exchange.Problem) {
	f.Status = http.StatusOK
	h := f.w.Header()
	clear(h)
	h["Content-Type"] = f.r.Header["Content-Type"]
	status, message := p.GRPC()
	h.Set("Grpc-Status", status)
	h.Set("Grpc-Message", message)
	h.Set("Proxy-Status", proxyStatus(p))
	if p.Close {
		h.Set("Connection", "close")
	}
	f.w.WriteHeader(http.StatusOK)
}

// proxyStatus is the RFC 9209 field.
func proxyStatus(p *exchange.Problem) string {
	if p.ProxyError == "" {
		return proxyName
	}
	return fmt.Sprintf("%s; error=%s", proxyName, p.ProxyError)
}
