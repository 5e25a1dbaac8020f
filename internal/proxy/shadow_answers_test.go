package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// An answer that turns out to be a stream ends the comparison while the body of
// its request is still coming in.
func TestAStreamThatBeginsBeforeItsRequestHasEndedIsNotCopied(t *testing.T) {
	r := startShadower(t, map[string]string{"new": named(t, "x"), "legacy": backend(t, func(w http.ResponseWriter, req *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for lines := bufio.NewScanner(req.Body); lines.Scan(); {
			_, _ = fmt.Fprintln(w, lines.Text()[:min(len(lines.Text()), 10)])
			_ = http.NewResponseController(w).Flush()
		}
	})}, func(p *shadow.Policy) { p.Writes, p.Sandbox = shadow.WritesSandbox, "new" })
	r.install(1, shadowing(routing.StageShadow, 0))
	body, upload := io.Pipe()
	req, err := http.NewRequest(http.MethodPost, "http://"+r.addr+"/", body)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(upload, "data: first\n\n") }()
	res, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer := bufio.NewReader(res.Body)
	for i := range 20 { // the head is relayed, and the upload goes on
		if line, err := answer.ReadString('\n'); err != nil {
			t.Fatalf("line %d: %q, %v", i, line, err)
		}
		if _, err := answer.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(upload, "data: %s\n\n", strings.Repeat("x", 10<<10)); err != nil {
			t.Fatal(err)
		}
	}
	_ = upload.Close()
	if _, err := io.Copy(io.Discard, answer); err != nil {
		t.Fatal(err)
	}
	r.log.entries(t, 1) // it has ended
	r.want(map[string]uint64{"events": 1})
}

// What a backend sends behind the end of an answer belongs to no other request,
// and a head that says in two ways how long its body is cannot be believed.
func TestAShadowThatSpeaksNoHTTPGivesNoAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"both lengths": "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"101 unasked":  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		"cut short":    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nx",
	} {
		t.Run(name, func(t *testing.T) {
			fresh := rawBackend(t, func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, answer) })
			r := startShadower(t, map[string]string{"legacy": backend(t, plainly("text/plain", "x")), "new": fresh}, nil)
			r.install(1, shadowing(routing.StageShadow, 0))
			r.get("/")
			r.want(map[string]uint64{"mismatch": 1})
		})
	}
	t.Run("surplus", func(t *testing.T) {
		ln := listen(t)
		t.Cleanup(func() { _ = ln.Close() })
		go func() { // each connection answers its first request twice
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					in := bufio.NewReader(conn)
					for first := true; ; first = false {
						if _, err := http.ReadRequest(in); err != nil {
							return
						}
						answer := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx"
						if first {
							answer += strings.ReplaceAll(answer, "\nx", "\ny")
						}
						if _, err := io.WriteString(conn, answer); err != nil {
							return
						}
					}
				}()
			}
		}()
		r := startShadower(t, map[string]string{"legacy": backend(t, plainly("text/plain", "x")), "new": "http://" + ln.Addr().String()}, nil)
		r.install(1, shadowing(routing.StageShadow, 0))
		for range 20 {
			r.get("/")
		}
		r.want(map[string]uint64{"match": 20})
	})
}

// The primary may send many interim answers, and so may the other side.
func TestInterimAnswersAreNoAnswers(t *testing.T) {
	patient := func(w http.ResponseWriter, _ *http.Request) {
		for range 10 {
			w.WriteHeader(http.StatusProcessing)
		}
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "x")
	}
	r := startShadower(t, map[string]string{"legacy": backend(t, patient), "new": backend(t, patient)}, nil)
	r.install(1, shadowing(routing.StageShadow, 0))
	res, body := r.get("/")
	if res.StatusCode != http.StatusOK || body != "x" {
		t.Errorf("the client got %d %q", res.StatusCode, body)
	}
	r.want(map[string]uint64{"match": 1})
}
