package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// lines are two connections that stay open while routes move: the feed and a
// WebSocket.
type lines struct {
	feed   *http.Response
	socket *websocket.Conn
	ticks  chan int // each tick of the feed as it is read; closed when the feed ends
	ended  error    // why; read it after ticks is closed
	cancel context.CancelFunc
}

// openLines opens both through the shop at a base URL.
func openLines(ctx context.Context, shop string, client *http.Client) (*lines, error) {
	ctx, cancel := context.WithCancel(ctx)
	l := &lines{ticks: make(chan int, 4096), cancel: cancel}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, shop+"/events", nil)
	if err != nil {
		cancel()
		return nil, err
	}
	if l.feed, err = client.Do(req); err != nil { //nolint:bodyclose // close closes it
		cancel()
		return nil, fmt.Errorf("the feed does not open: %w", err)
	}
	go l.listen()
	l.socket, _, err = websocket.Dial(ctx, shop+"/ws", &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // Dial says that it must not be
	if err != nil {
		l.close()
		return nil, fmt.Errorf("the WebSocket does not open: %w", err)
	}
	return l, nil
}

// listen reads the feed to its end.
func (l *lines) listen() {
	defer close(l.ticks)
	text := bufio.NewScanner(l.feed.Body)
	for text.Scan() {
		number, isTick := strings.CutPrefix(text.Text(), `data: {"n":`)
		if !isTick {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(number, "}"))
		if err != nil {
			l.ended = fmt.Errorf("a tick of the feed cannot be read: %w", err)
			return
		}
		l.ticks <- n
	}
	l.ended = errors.Join(errors.New("the feed has ended"), text.Err())
}

// alive checks that both lines still work and that no tick was lost, and
// returns how many ticks there were.
func (l *lines) alive(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	const question = "still there?"
	if err := l.socket.Write(ctx, websocket.MessageText, []byte(question)); err != nil {
		return 0, fmt.Errorf("the WebSocket was cut: %w", err)
	}
	for answer := ""; answer != question; {
		_, message, err := l.socket.Read(ctx)
		if err != nil {
			return 0, fmt.Errorf("the WebSocket was cut: %w", err)
		}
		answer = string(message)
	}
	last := 0
	for range len(l.ticks) + 1 { // those that wait, and one that is yet to come
		select {
		case n, open := <-l.ticks:
			if !open {
				return 0, l.ended
			}
			if n != last+1 {
				return 0, fmt.Errorf("the feed lost a tick: %d came after %d", n, last)
			}
			last = n
		case <-ctx.Done():
			return 0, fmt.Errorf("the feed is silent after tick %d: %w", last, ctx.Err())
		}
	}
	return last, nil
}

// close ends both and returns when nothing reads them any more.
func (l *lines) close() {
	l.cancel()
	if l.socket != nil {
		_ = l.socket.CloseNow() // it may have been cut before
	}
	for range l.ticks { // until listen has ended
	}
	l.feed.Body.Close()
}
