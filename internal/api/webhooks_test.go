package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/notify"
)

// told is the shop with somebody to tell: the address of chat is a secret.
const told = shop + `
webhooks:
  - name: chat
    url: https://chat.example.com/services/T0/B0/xyzzy?key=xyzzy
    format: slack
    on: [rollback, promote]
  - name: oncall
    url: env:ONCALL_URL
    secret: env:ONCALL_SECRET
  - name: pager
    url: file:/etc/strangler/pager
    format: slack
    on: [rollback]
`

func openTold(t *testing.T) *house {
	t.Helper()
	h := open(t)
	file := strings.Replace(told, "name: orders-post\n", "name: orders-post\n    notify: [oncall]\n", 1)
	h.post("/api/v1/apply", file, yamlBody).want(http.StatusOK)
	return h
}

func TestWebhooksAreListedWithoutTheirAddresses(t *testing.T) {
	h := openTold(t)
	newest := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0].ID
	at := time.Now().UTC().Truncate(time.Millisecond)
	place := notify.Place{Webhook: "chat", Event: newest - 2, Failures: 3, NextTry: at.Add(time.Minute), LastError: "it answered 503", Delivered: at}
	if err := h.store.KeepPlace(t.Context(), led(t, h.store).Fence, place); err != nil {
		t.Fatal(err)
	}
	got := decode[[]wire.Webhook](h.get("/api/v1/webhooks", as(h.secrets[auth.Viewer])).want(http.StatusOK))
	next := at.Add(time.Minute)
	want := []wire.Webhook{
		{
			Name: "chat", Format: wire.WebhookFormatSlack, URL: "https://chat.example.com", On: []string{"promote", "rollback"},
			Routes: []string{"everything", "orders-get", "orders-list"},
			Place:  &wire.WebhookPlace{Event: newest - 2, Behind: 2, Failures: 3, NextTry: &next, LastError: "it answered 503", Delivered: &at},
		},
		{
			Name: "oncall", Format: wire.WebhookFormatStandard, URL: "env:ONCALL_URL",
			On:     []string{"promote", "pause", "resume", "rollback", "retire", "undo", "freeze", "unfreeze", "autopilot_on", "autopilot_off"},
			Routes: []string{"everything", "orders-get", "orders-list", "orders-post"},
			Place:  &wire.WebhookPlace{Event: newest},
		},
		{
			Name: "pager", Format: wire.WebhookFormatSlack, URL: "file:/etc/strangler/pager", On: []string{"rollback"},
			Routes: []string{"everything", "orders-get", "orders-list"}, Place: &wire.WebhookPlace{Event: newest},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h.store.away.Store(true)
	for _, webhook := range decode[[]wire.Webhook](h.get("/api/v1/webhooks").want(http.StatusOK)) {
		if webhook.Place != nil {
			t.Errorf("without the store: %+v", webhook)
		}
	}
}

func TestTheAddressOfAWebhookIsForAdmins(t *testing.T) {
	h := openTold(t)
	if whole := string(h.get("/api/v1/export").want(http.StatusOK).body); !strings.Contains(whole, `url: "https://chat.example.com/services/T0/B0/xyzzy?key=xyzzy"`) {
		t.Errorf("an admin:\n%s", whole)
	}
	for _, role := range []auth.Role{auth.Viewer, auth.Operator} {
		cut := string(h.get("/api/v1/export", as(h.secrets[role])).want(http.StatusOK).body)
		if strings.Contains(cut, "xyzzy") || !strings.Contains(cut, "url: hidden:https://chat.example.com\n") || !strings.Contains(cut, "url: env:ONCALL_URL\n") ||
			!strings.Contains(cut, "url: file:/etc/strangler/pager\n") {
			t.Errorf("%s:\n%s", role, cut)
		}
		p := h.post("/api/v1/apply", cut, yamlBody).problem(http.StatusUnprocessableEntity, "invalid_definitions")
		if len(p.Problems) != 1 || p.Problems[0].Path != "webhooks[0].url" || p.Problems[0].Line == 0 {
			t.Errorf("what was cut is applied: %+v", p.Problems)
		}
	}
	file := strings.Replace(told, "xyzzy?", "plugh?", 1)
	h.post("/api/v1/apply", file, yamlBody).want(http.StatusOK)
	h.post("/api/v1/apply?prune=true", strings.Split(file, "webhooks:")[0], yamlBody).want(http.StatusOK)
	for _, role := range []auth.Role{auth.Viewer, auth.Admin} {
		var history []string
		for _, e := range decode[[]wire.Event](h.get("/api/v1/events", as(h.secrets[role])).want(http.StatusOK)) {
			if e.Kind == "webhook" && e.Subject == "chat" {
				history = append(history, string(e.Before)+" → "+string(e.After))
			}
		}
		const chat = `{"name":"chat","url":"hidden:https://chat.example.com","format":"slack","on":["promote","rollback"]}`
		if diff := cmp.Diff([]string{chat + " → null", chat + " → " + chat, "null → " + chat}, history); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
	}
}

func TestAWebhookIsTried(t *testing.T) {
	status := make(chan int, 2)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-status) }))
	defer receiver.Close()
	h := open(t)
	h.post("/api/v1/apply", "webhooks:\n- {name: chat, url: '"+receiver.URL+"/xyzzy', format: slack}\n", yamlBody).want(http.StatusOK)

	status <- http.StatusNoContent
	got := decode[wire.WebhookTest](h.post("/api/v1/webhooks/chat/test", "", operator(h)).want(http.StatusOK))
	if got.Webhook != "chat" || got.Status != http.StatusNoContent || got.Error != "" || got.TookMs <= 0 {
		t.Errorf("%+v", got)
	}
	status <- http.StatusForbidden
	got = decode[wire.WebhookTest](h.post("/api/v1/webhooks/chat/test", "").want(http.StatusOK))
	if got.Status != http.StatusForbidden || !strings.Contains(got.Error, "403") {
		t.Errorf("%+v", got)
	}
	receiver.Close()
	got = decode[wire.WebhookTest](h.post("/api/v1/webhooks/chat/test", "").want(http.StatusOK))
	if got.Status != 0 || got.Error == "" || strings.Contains(got.Error, "xyzzy") {
		t.Errorf("%+v", got)
	}
	p := h.post("/api/v1/webhooks/chatt/test", "").problem(http.StatusNotFound, "unknown_webhook")
	if p.Hint != "did you mean chat?" {
		t.Errorf("%+v", p)
	}
	if p = h.post("/api/v1/webhooks/pager/test", "").problem(http.StatusNotFound, "unknown_webhook"); !strings.Contains(p.Hint, "stranglerctl notify ls") {
		t.Errorf("%+v", p)
	}
}
