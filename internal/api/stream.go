package api

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

// The times of one stream.
const (
	beatEvery   = 10 * time.Second // a comment, so that nothing on the way thinks it dead
	admitEvery  = 2 * time.Second  // whether the token or the session is still in force
	deliverWait = 10 * time.Second // for who does not read
)

// stream is one listener's, as its request sees it.
type stream struct {
	server  *server
	request *http.Request
	out     http.ResponseWriter
	control *http.ResponseController
	cursor  int64 // id of the last event of the history that was sent, or unknownEvent
	resumed bool  // cursor is where the listener says that it was
	greeted bool
}

// errFarewell says that a stream was ended by its bye.
var errFarewell = errors.New("the stream was ended")

// FollowStream sends what changes until somebody ends it.
func (s *server) FollowStream(w http.ResponseWriter, r *http.Request, params wire.FollowStreamParams) {
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return
	}
	f := &stream{server: s, request: r, out: w, control: http.NewResponseController(w), cursor: unknownEvent}
	if err := f.resume(cmp.Or(params.LastEventID, params.After)); err != nil {
		s.fail(w, r, err)
		return
	}
	joined, err := s.feed.join(s)
	if err != nil {
		s.fail(w, r, crowded(err))
		return
	}
	defer s.feed.leave(joined)
	_ = f.control.SetReadDeadline(time.Time{}) // the listener's is for requests that end; who cannot set it has none
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	w.WriteHeader(http.StatusOK)
	f.follow(joined)
	_ = f.control.SetWriteDeadline(time.Time{}) // the connection may serve another request
}

func crowded(err error) *problem {
	return newProblem(http.StatusServiceUnavailable, "too_many_streams", "Too many people are watching this router.",
		err.Error()+": "+strconv.Itoa(mostStreams)+"; nothing else is affected", "close pages that nobody looks at, or watch another router")
}

// resume begins where the listener has been. An id that the history does not have
// yet is of another store.
func (f *stream) resume(from *int64) error {
	if from == nil {
		return nil
	}
	if *from < 0 {
		return badRequest("bad_parameter", "the id of the last event is "+strconv.FormatInt(*from, 10)+" and has to be 0 or more", "")
	}
	f.cursor, f.resumed = *from, true
	if newest, err := f.server.newestEvent(f.request.Context()); err == nil {
		f.cursor = min(f.cursor, newest)
	}
	return nil
}

// follow sends updates until the stream ends.
func (f *stream) follow(joined *listener) {
	beat, admit := time.NewTicker(beatEvery), time.NewTicker(admitEvery)
	defer beat.Stop()
	defer admit.Stop()
	var over <-chan struct{}
	if session := f.session(); session != nil {
		over = session.over
	}
	err := f.send([]byte(": strangler\n\n"))
	for err == nil {
		select {
		case news, open := <-joined.updates:
			if !open {
				err = f.dropped(joined)
				break
			}
			err = f.deliver(news)
		case <-beat.C:
			err = f.send([]byte(":\n\n"))
		case <-admit.C:
			err = f.admitted()
		case <-over:
			err = f.admitted()
		case <-f.server.Stopping:
			err = f.bye("stopping", "the router "+f.server.Instance+" is stopping")
		case <-f.request.Context().Done():
			return
		}
	}
}

// dropped says why the feed has closed a listener's updates.
func (f *stream) dropped(joined *listener) error {
	if joined.failed {
		return f.bye("internal", "something went wrong in the router, whose log says what")
	}
	return f.bye("too_slow", "this stream was read too slowly and has fallen behind: resume it by the last event's id")
}

// session returns that of a request which came by cookie.
func (f *stream) session() *session {
	if f.request.Header.Get("Authorization") != "" {
		return nil
	}
	return f.server.session(f.request)
}

// admitted ends the stream of who may not have one any more.
func (f *stream) admitted() error {
	if _, err := f.server.identify(f.request); err != nil {
		p := f.server.problemOf(err)
		return f.bye(p.Code, strings.TrimSuffix(p.Title, ".")+": "+p.Detail)
	}
	return nil
}

// deliver sends an update, the first one after a hello.
func (f *stream) deliver(news update) error {
	f.place(&news)
	if !f.greeted {
		f.greeted = true
		if err := f.send(f.hello()); err != nil {
			return err
		}
	}
	if err := f.send(news.frames...); err != nil {
		return err
	}
	switch {
	case f.cursor == unknownEvent, news.newest <= f.cursor:
		return nil
	case f.cursor == news.since:
		f.cursor = news.newest
		return f.send(news.history...)
	default:
		return f.catchUp(news.newest)
	}
}

// place finds where in the history a listener begins that has not said it, or whose
// place means nothing any more.
func (f *stream) place(news *update) {
	if news.anew {
		f.cursor = news.newest
	}
	if f.cursor == unknownEvent {
		f.cursor = news.since
	}
	if f.cursor == unknownEvent {
		f.cursor = news.newest
	}
}

// catchUp sends the events up to one from the store. What cannot be read now is sent
// with a later update.
func (f *stream) catchUp(until int64) error {
	for f.cursor < until {
		events, err := f.server.eventsAfter(f.request.Context(), f.cursor)
		if err != nil || len(events) == 0 {
			return nil //nolint:nilerr // the store is away, and the stream tells so
		}
		for len(events) > 0 && events[len(events)-1].ID > until {
			events = events[:len(events)-1]
		}
		if len(events) == 0 {
			f.cursor = until
			return nil
		}
		if err := f.send(historyFrames(events)...); err != nil {
			return err
		}
		f.cursor = events[len(events)-1].ID
	}
	return nil
}

// hello says whose stream this is. It carries the place in the history, so that also
// who has had no event yet can resume.
func (f *stream) hello() frame {
	hello := wire.StreamHello{Instance: f.server.Instance, Now: time.Now().UTC()}
	if served := f.server.Router.Snapshot(); served != nil {
		hello.Revision, hello.Store = wire.Revision(served.Revision), served.StoreID
	}
	greeting := newFrame("hello", hello)
	if f.resumed || f.cursor == unknownEvent {
		return greeting
	}
	return greeting.numbered(f.cursor)
}

// bye ends the stream.
func (f *stream) bye(code, why string) error {
	if err := f.send(newFrame("bye", wire.StreamBye{Code: code, Why: why})); err != nil {
		return err
	}
	return errFarewell
}

// send writes frames, and waits for who is slow for a while.
func (f *stream) send(frames ...frame) error {
	_ = f.control.SetWriteDeadline(time.Now().Add(deliverWait)) // who cannot set it waits for the connection to break
	for _, one := range frames {
		if _, err := f.out.Write(one); err != nil {
			return err
		}
	}
	return f.control.Flush()
}
