package demo_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/stranglerfig/strangler/internal/demo"
)

func TestFeedTicksAndReportsEveryOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop, err := demo.Shop(demo.Legacy, demo.NewBooks())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		feed := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			defer close(done)
			shop.ServeHTTP(feed, httptest.NewRequestWithContext(ctx, "GET", "/events", nil))
		}()
		time.Sleep(1500 * time.Millisecond) // of the bubble's clock: after the first tick
		order := httptest.NewRequestWithContext(t.Context(), "POST", "/api/orders", strings.NewReader(`{"lines":[{"product":5,"quantity":1}]}`))
		shop.ServeHTTP(httptest.NewRecorder(), order)
		<-done
		var got []string
		for line := range strings.Lines(feed.Body.String()) {
			if text := strings.TrimSpace(line); text != "" {
				got = append(got, strings.Split(text, `,"customer"`)[0])
			}
		}
		want := []string{
			"event: hello", `data: {"served_by":"legacy"}`, "event: tick", `data: {"n":1}`,
			"event: order", `data: {"id":1201`, "event: tick", `data: {"n":2}`,
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("feed\n%q\nwant\n%q", got, want)
		}
		if feed.Header().Get("Content-Type") != "text/event-stream" || !feed.Flushed {
			t.Errorf("headers %v, flushed %v", feed.Header(), feed.Flushed)
		}
	})
}

func TestReportIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop, err := demo.Shop(demo.Legacy, demo.NewBooks())
		if err != nil {
			t.Fatal(err)
		}
		report := httptest.NewRecorder()
		start := time.Now()
		shop.ServeHTTP(report, httptest.NewRequestWithContext(t.Context(), "GET", "/reports/sales", nil))
		if took := time.Since(start); took != 300*time.Millisecond {
			t.Errorf("took %s", took)
		}
		lines := strings.Split(strings.TrimSpace(report.Body.String()), "\n")
		if len(lines) != 2+demo.SeedOrders || lines[0] != "order,customer,total" || lines[demo.SeedOrders] != `1001,"visitor-1",34.50` {
			t.Errorf("%d lines: first %q, first order %q", len(lines), lines[0], lines[demo.SeedOrders])
		}
	})
}

func TestWebSocketEchoesAndTicks(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(legacy.URL, "http")+"/ws", &websocket.DialOptions{HTTPClient: legacy.Client()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if resp.Header.Get(demo.ServedBy) != "legacy" {
		t.Errorf("served by %q", resp.Header.Get(demo.ServedBy))
	}
	sent := string([]byte{0, 1, 2, 0xff})
	if err := conn.Write(ctx, websocket.MessageBinary, []byte(sent)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		kind websocket.MessageType
		text string
	}{{websocket.MessageBinary, sent}, {websocket.MessageText, "tick 1"}} {
		kind, got, err := conn.Read(ctx)
		if err != nil || kind != want.kind || string(got) != want.text {
			t.Fatalf("read %v %q %v, want %v %q", kind, got, err, want.kind, want.text)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func TestUploadIsHashed(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	for _, size := range []int64{0, 1, 8<<20 + 7} {
		hash := sha256.New()
		body := io.TeeReader(io.LimitReader(endless{}, size), hash)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, legacy.URL+"/uploads", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := legacy.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		want := fmt.Sprintf(`{"size":%d,"sha256":%q}`+"\n", size, hex.EncodeToString(hash.Sum(nil)))
		if err != nil || resp.StatusCode != 201 || string(got) != want {
			t.Errorf("%d %s %v, want 201 %s", resp.StatusCode, got, err, want)
		}
	}
}

// endless is a body whose every byte is its own offset in the chunk read.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	return len(p), nil
}

func TestBrokenUploadIsRefused(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", legacy.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "POST /uploads HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnot a size\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 400 || string(body) != `{"error":"the upload broke off after 3 bytes"}`+"\n" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// A shop that closes ends its feeds and WebSockets, finishes what it had begun
// to answer, and leaves nothing running (TestMain looks for it).
func TestServeClosesEverything(t *testing.T) {
	shop, err := demo.Shop(demo.Legacy, demo.NewBooks())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- demo.Serve(ctx, shop, listener) }()

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	base := "http://" + listener.Addr().String()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Body.Close()
	conn, _, err := websocket.Dial(t.Context(), base+"/ws", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()

	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if text, err := io.ReadAll(feed.Body); err != nil || !strings.HasPrefix(string(text), "event: hello\n") {
		t.Errorf("the feed ended with %q, %v", text, err)
	}
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the WebSocket is still open")
	}
}

func TestServeSaysThatItsListenerIsGone(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	err = demo.Serve(t.Context(), http.NotFoundHandler(), listener)
	if err == nil || !strings.Contains(err.Error(), "the shop on "+listener.Addr().String()+" has ended") {
		t.Errorf("error %v", err)
	}
}
