package api_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/stats"
)

func TestAStreamBeginsWithAllThatStands(t *testing.T) {
	h := openShop(t)
	l := h.listen()
	hello := l.next("hello")
	whose := readSent[wire.StreamHello](l, hello, "StreamHello")
	newest := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if whose.Instance != "router-1" || whose.Revision != 1 || whose.Store != h.router.Snapshot().StoreID || hello.id != newest.ID {
		t.Errorf("%+v with the id %d, want %d", whose, hello.id, newest.ID)
	}
	all := readSent[wire.StreamRoutes](l, l.next("routes"), "StreamRoutes")
	want := decode[[]wire.RouteStatus](h.get("/api/v1/routes"))
	if diff := cmp.Diff(want, all.Routes); diff != "" || all.Revision != 1 || len(all.Removed) != 0 {
		t.Errorf("revision %d, removed %v (-GET +stream):\n%s", all.Revision, all.Removed, diff)
	}
	if store := readSent[wire.StreamStore](l, l.next("store"), "StreamStore"); !store.Reachable {
		t.Errorf("%+v", store)
	}
	h.call(http.MethodHead, "/api/v1/stream", "").want(http.StatusOK)
	h.get("/api/v1/stream", header("Last-Event-ID", "-1")).problem(http.StatusBadRequest, "bad_parameter")
	h.get("/api/v1/stream?after=x").problem(http.StatusBadRequest, "bad_parameter")
	h.get("/api/v1/stream", without).problem(http.StatusUnauthorized, "unauthenticated")
}

func TestAStreamTellsWhatChangesAndNothingElse(t *testing.T) {
	h := openShop(t)
	l := h.listen()
	l.next("routes")
	move := decode[wire.Move](h.post("/api/v1/routes/orders-get/promote", `{"reason": "first \u2764 step"}`).want(http.StatusOK))
	changed := readSent[wire.StreamRoutes](l, l.next("routes"), "StreamRoutes")
	if len(changed.Routes) != 1 || changed.Routes[0].Name != "orders-get" || changed.Routes[0].Revision != move.Revision || changed.Revision != move.Revision {
		t.Errorf("%+v", changed)
	}
	newest := l.next("history")
	if event := readSent[wire.Event](l, newest, "Event"); cmp.Diff(decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0], event) != "" || newest.id != event.ID {
		t.Errorf("%d: %+v", newest.id, event)
	}
	h.delete("/api/v1/routes/orders-post").want(http.StatusOK)
	if gone := readSent[wire.StreamRoutes](l, l.next("routes"), "StreamRoutes"); len(gone.Routes) != 0 || !slices.Equal(gone.Removed, []string{"orders-post"}) {
		t.Errorf("%+v", gone)
	}
	// What makes no revision is told as well.
	if err := h.store.Note(t.Context(), rollout.Event{Verb: rollout.VerbLoginDenied, Kind: "login", Subject: "192.0.2.1", Actor: "x", Cause: rollout.CauseOperator}); err != nil {
		t.Fatal(err)
	}
	for readSent[wire.Event](l, l.next("history"), "Event").Kind != "login" {
	}
}

// However a listener comes back, it is told each event once.
func TestAStreamIsResumedWithNothingLost(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		h := openAt(t, url())
		empty := h.listen()
		begin := empty.next("hello").id
		h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		turn := func(i int) {
			h.post("/api/v1/routes/orders-get/"+[]string{"pause", "resume"}[i%2], fmt.Sprintf(`{"reason": "turn %d"}`, i)).want(http.StatusOK)
		}
		const before, after = 520, 20 // more than a page
		for i := range before {
			turn(i)
		}
		l := h.listen(header("Last-Event-ID", fmt.Sprint(begin)))
		for i := range after {
			turn(before + i)
		}
		events := decode[[]wire.Event](h.get("/api/v1/events?limit=1000"))
		var want []int64
		for _, event := range slices.Backward(events) {
			if event.ID > begin {
				want = append(want, event.ID)
			}
		}
		newest := want[len(want)-1]
		if diff := cmp.Diff(want, l.history(newest)); diff != "" {
			t.Errorf("resumed (-history +stream):\n%s", diff)
		}
		if diff := cmp.Diff(want, empty.history(newest)); diff != "" {
			t.Errorf("open all the time (-history +stream):\n%s", diff)
		}
		middle := h.listen(header("Last-Event-ID", fmt.Sprint(want[100])))
		if diff := cmp.Diff(want[101:], middle.history(newest)); diff != "" {
			t.Errorf("from the middle (-history +stream):\n%s", diff)
		}
		beyond := h.listen(header("Last-Event-ID", fmt.Sprint(newest+1000)))
		beyond.next("routes")
		turn(0)
		if event := beyond.next("history"); event.id <= newest {
			t.Errorf("from another store's id: %d was told again", event.id)
		}
	})
}

func TestWhatHappenedWhileTheStoreWasAwayIsToldAfterwards(t *testing.T) {
	h := openShop(t)
	newest := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0].ID
	first := h.listen() // its token is known from here on
	first.next("store")
	away := time.Now()
	h.store.away.Store(true)
	h.router.stand(nil, fleet.Status{Since: away, ConfirmedAt: away.Add(-3 * time.Second), LastError: errors.New("connection refused")})
	if store := readSent[wire.StreamStore](first, first.next("store"), "StreamStore"); store.Reachable || !store.Since.Equal(away) || store.AgeS < 3 {
		t.Errorf("%+v", store)
	}
	l := h.listen(header("Last-Event-ID", fmt.Sprint(newest)))
	if routes := readSent[wire.StreamRoutes](l, l.next("routes"), "StreamRoutes"); len(routes.Routes) != 4 {
		t.Errorf("while the store is away: %+v", routes)
	}
	// Another router is still connected to it.
	for i := range 3 {
		note := rollout.Event{Verb: rollout.VerbLoginDenied, Kind: "login", Subject: fmt.Sprint(i), Actor: "x", Cause: rollout.CauseOperator}
		if err := h.store.Store.Note(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	h.store.away.Store(false)
	h.router.refresh()
	for _, each := range []*listening{first, l} {
		if ids := each.history(newest + 3); len(ids) != 3 {
			t.Errorf("told of %v, want the three after %d", ids, newest)
		}
	}
}

func TestAStreamTellsTheTrafficOfAllRouters(t *testing.T) {
	t.Parallel()
	h := openShop(t)
	l := h.listen()
	l.next("store")
	slot := time.Now().UTC().Truncate(stats.SlotLength)
	window := func(side string, ok, failures uint64, took time.Duration) stats.LaneWindow {
		w := stats.LaneWindow{Route: "orders-get", Side: side}
		w.From, w.To = slot, slot.Add(stats.SlotLength)
		w.Classes[guard.OK], w.Failures = ok, failures
		w.Latency.Record(took)
		return w
	}
	for instance, seen := range map[string][]stats.LaneWindow{
		"router-1": {window("legacy", 7, 1, 20*time.Millisecond), window("new", 2, 2, 30*time.Millisecond)},
		"router-2": {window("legacy", 5, 0, 20*time.Millisecond)},
	} {
		if err := h.store.AddWindows(t.Context(), instance, seen); err != nil {
			t.Fatal(err)
		}
	}
	for {
		traffic := readSent[wire.StreamTraffic](l, l.next("traffic"), "StreamTraffic")
		if traffic.At.Before(slot) {
			continue
		}
		if !traffic.At.Equal(slot) || len(traffic.Slots) != 2 {
			t.Fatalf("%+v", traffic)
		}
		legacy, fresh := traffic.Slots[0], traffic.Slots[1]
		if legacy.Side != "legacy" || legacy.Requests != 12 || legacy.Failures != 1 || *legacy.P95Ms < 19 || *legacy.P95Ms > 21 ||
			fresh.Side != "new" || fresh.Requests != 2 || fresh.Failures != 2 || fresh.Route != "orders-get" {
			t.Errorf("%+v", traffic.Slots)
		}
		return
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	h := openShop(t)
	token, secret := h.mint("leaver", auth.Viewer, 0)
	cookie := h.signIn(h.secrets[auth.Viewer])
	bySession, byToken := h.listen(by(cookie)), h.listen(as(secret))
	byRevoked := h.listen(by(h.signIn(secret)))
	bySession.next("routes")
	h.delete("/api/v1/session", by(cookie), ownPage).want(http.StatusNoContent)
	bye := bySession.ended()
	if said := readSent[wire.StreamBye](bySession, bye, "StreamBye"); bye.name != "bye" || said.Code != "session_ended" {
		t.Errorf("signed out: %+v", bye)
	}
	if err := h.store.RevokeToken(t.Context(), token.ID, "test"); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*listening{byToken, byRevoked} {
		bye := l.ended()
		if said := readSent[wire.StreamBye](l, bye, "StreamBye"); bye.name != "bye" || said.Code != "token_revoked" && said.Code != "session_ended" {
			t.Errorf("revoked: %+v", bye)
		}
	}
	h.listen().next("hello") // others go on
}

func TestStreamsEndWhenTheRouterStops(t *testing.T) {
	stopping := make(chan struct{})
	h := openShop(t, func(c *api.Config) { c.Stopping = stopping })
	l := h.listen()
	l.next("routes")
	h.server.Config.RegisterOnShutdown(func() { close(stopping) })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := h.server.Config.Shutdown(ctx); err != nil {
		t.Errorf("the listener is kept: %v", err)
	}
	if bye := l.ended(); readSent[wire.StreamBye](l, bye, "StreamBye").Code != "stopping" {
		t.Errorf("%+v", bye)
	}
}

func TestAStreamOutlastsTheTimeoutOfRequests(t *testing.T) {
	t.Parallel()
	h := openShop(t)
	server := httptest.NewUnstartedServer(h.handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second
	server.Start()
	t.Cleanup(server.Close)
	l := h.listenAt(server.URL)
	l.next("routes")
	time.Sleep(2500 * time.Millisecond) // what is tested is that time passes
	h.post("/api/v1/routes/orders-get/promote", `{}`).want(http.StatusOK)
	l.next("history")
	l.leave()
}

func TestTwoHundredListenersAreToldTheSame(t *testing.T) {
	h := openShop(t)
	const listeners = 200
	var all []*listening
	for range listeners {
		all = append(all, h.listen())
	}
	for _, l := range all {
		l.next("routes")
	}
	began := time.Now()
	h.post("/api/v1/routes/orders-get/promote", `{}`).want(http.StatusOK)
	want := all[0].next("routes")
	for i, l := range all[1:] {
		if got := l.next("routes"); got != want {
			t.Fatalf("listener %d: %+v, want %+v", i+1, got, want)
		}
	}
	t.Logf("%d listeners were told in %s", listeners, time.Since(began).Round(time.Millisecond))
	for range 56 {
		all = append(all, h.listen())
	}
	full := h.get("/api/v1/stream")
	full.problem(http.StatusServiceUnavailable, "too_many_streams")
	all[3].leave()
	eventually(t, 5*time.Second, func() bool { return h.get("/api/v1/stream").status == http.StatusOK })
	h.get("/api/v1/routes").want(http.StatusOK)
}

// Who does not read is dropped, and nobody else waits for that.
func TestAListenerThatDoesNotReadIsDropped(t *testing.T) {
	t.Parallel()
	h := openShop(t)
	deaf, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	if err := deaf.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(deaf, "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", h.secrets[auth.Viewer]); err != nil {
		t.Fatal(err)
	}
	l := h.listen()
	l.next("routes")
	reason := strings.Repeat("r", 2000)
	flood := func(n int) {
		for i := range n {
			note := rollout.Event{Verb: rollout.VerbLoginDenied, Kind: "login", Subject: fmt.Sprint(i), Actor: "x", Cause: rollout.CauseOperator, Reason: reason}
			if err := h.store.Note(t.Context(), note); err != nil {
				t.Fatal(err)
			}
		}
	}
	flood(3000) // 6 MB and more than any socket keeps
	newest := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0].ID
	if ids := l.history(newest); len(ids) != 3000 {
		t.Errorf("who reads was told of %d events", len(ids))
	}
	dropped := func() bool {
		return strings.Count(h.log.String(), "operation=FollowStream") > 0
	}
	eventually(t, 25*time.Second, dropped)
}
