package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const (
	heartbeat  = time.Second            // of the feed and of the WebSocket
	reportTime = 300 * time.Millisecond // what the sales report has always taken
)

// salesReport is slow, as reports of monoliths are.
func (s *legacyShop) salesReport(w http.ResponseWriter, r *http.Request) {
	wait := time.NewTimer(reportTime)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler) // nobody waits for it any more; half a report would be worse than none
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	var total money
	fmt.Fprintln(w, "order,customer,total")
	for _, o := range s.books.newestOrders("", SeedOrders) {
		total += o.total()
		fmt.Fprintf(w, "%d,%q,%s\n", o.ID, o.Customer, o.total())
	}
	fmt.Fprintf(w, "all,,%s\n", total)
}

// events is the feed: one event at once, one for every order placed, and a
// tick each second so that a reader knows that the line is alive.
func (s *legacyShop) events(w http.ResponseWriter, r *http.Request) {
	placed, leave := s.books.watch()
	defer leave()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	err := send(w, out, "hello", `{"served_by":"legacy"}`)
	for n := 1; err == nil; {
		select {
		case <-r.Context().Done():
			return
		case o := <-placed:
			var text []byte
			if text, err = json.Marshal(legacyOrderOf(o)); err == nil {
				err = send(w, out, "order", string(text))
			}
		case <-tick.C:
			err = send(w, out, "tick", fmt.Sprintf(`{"n":%d}`, n))
			n++
		}
	}
}

func send(w io.Writer, out *http.ResponseController, event, data string) error {
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return fmt.Errorf("the feed's reader is gone: %w", err)
	}
	return out.Flush()
}

// socket echoes every message and says "tick n" each second.
func (s *legacyShop) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(r.Context())
	ticking := make(chan struct{})
	go func() {
		defer close(ticking)
		ticks(ctx, conn)
	}()
	echo(ctx, conn)
	cancel()
	<-ticking
}

func ticks(ctx context.Context, conn *websocket.Conn) {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, "tick %d", n)) != nil {
				return
			}
		}
	}
}

func echo(ctx context.Context, conn *websocket.Conn) {
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			return // closed by the client, or the shop closes
		}
		if conn.Write(ctx, kind, message) != nil {
			return
		}
	}
}

// upload takes a body of any size and answers what has arrived.
func (s *legacyShop) upload(w http.ResponseWriter, r *http.Request) {
	hash := sha256.New()
	size, err := io.Copy(hash, r.Body)
	if err != nil {
		writeError(w, http.StatusBadRequest, fmt.Sprintf("the upload broke off after %d bytes", size))
		return
	}
	writeJSON(w, http.StatusCreated, struct {
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
	}{size, hex.EncodeToString(hash.Sum(nil))})
}

// digest is a short name for a text's content, for ETags.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
