package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/spec"
)

func TestApplySaysWhatChanged(t *testing.T) {
	h := openShop(t)
	again := decode[wire.Edit](h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK))
	if len(again.Changes) != 0 || again.Revision != 1 || again.PreviousRevision != 1 {
		t.Errorf("the same file again: %+v", again)
	}
	file := "backends:\n- name: orders\n  endpoints: [http://127.0.0.1:4000]\n- name: search\n  endpoints: [http://127.0.0.1:5000]\n"
	for _, dryRun := range []bool{true, false} {
		edit := decode[wire.Edit](h.post(fmt.Sprintf("/api/v1/apply?dry_run=%t&reason=scale", dryRun), file, yamlBody).want(http.StatusOK))
		var changes []string
		for _, c := range edit.Changes {
			changes = append(changes, fmt.Sprintf("%s %s %s", c.Op, c.Kind, c.Name))
		}
		if diff := cmp.Diff([]string{"changed backend orders", "added backend search"}, changes); diff != "" {
			t.Error(diff)
		}
		want := wire.Revision(2)
		if dryRun {
			want = 1
		}
		if edit.Revision != want || edit.PreviousRevision != 1 || edit.DryRun != dryRun || edit.Actor != "ada" {
			t.Errorf("dry run %t: %+v", dryRun, edit)
		}
	}
	if event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]; event.Reason != "scale" || event.Verb != "apply" {
		t.Errorf("event %+v", event)
	}
}

func TestApplyRefusesAFileAsAWholeWithEveryPosition(t *testing.T) {
	h := openShop(t)
	file := "routes:\n  - name: a\n    match: {path: orders}\n    legacy: monolit\n  - name: b\n    match: {path: /b}\n    legacy: monolith\n    new: orders\n    colour: red\n"
	p := h.post("/api/v1/apply?filename=shop.yaml", file, yamlBody).problem(http.StatusUnprocessableEntity, "invalid_definitions")
	if len(p.Problems) != 1 || p.Problems[0].File != "shop.yaml" || p.Problems[0].Line != 9 || p.Problems[0].Column != 5 || p.Problems[0].Code != "unknown_key" {
		t.Errorf("%+v", p.Problems)
	}
	p = h.post("/api/v1/apply?filename=shop.yaml", strings.ReplaceAll(file, "    colour: red\n", ""), yamlBody).problem(http.StatusUnprocessableEntity, "invalid_definitions")
	var found []string
	for _, f := range p.Problems {
		found = append(found, fmt.Sprintf("%s:%d:%d %s %s", f.File, f.Line, f.Column, f.Code, f.Path))
	}
	if diff := cmp.Diff([]string{"shop.yaml:3:19 path routes[0].match.path", "shop.yaml:4:13 reference routes[0].legacy"}, found); diff != "" {
		t.Error(diff)
	}
	if revision := decode[wire.Status](h.get("/api/v1/status")).Revision; revision != 1 {
		t.Errorf("revision %d, want 1: nothing was to be changed", revision)
	}
}

func TestPruneRemovesWhatTheFileDoesNotName(t *testing.T) {
	h := openShop(t)
	file, _, _ := strings.Cut(shop, "  - name: orders-post")
	if edit := decode[wire.Edit](h.post("/api/v1/apply", file, yamlBody)); len(edit.Changes) != 0 {
		t.Errorf("without prune: %+v", edit.Changes)
	}
	edit := decode[wire.Edit](h.post("/api/v1/apply?prune=true", file, yamlBody).want(http.StatusOK))
	if len(edit.Changes) != 1 || edit.Changes[0].Op != wire.ChangeOpRemoved || edit.Changes[0].Name != "orders-post" {
		t.Errorf("with prune: %+v", edit.Changes)
	}
}

func TestExportGivesBackWhatApplyTakes(t *testing.T) {
	h := openShop(t)
	answer := h.get("/api/v1/export").want(http.StatusOK)
	other := open(t)
	other.post("/api/v1/apply", string(answer.body), yamlBody).want(http.StatusOK)
	if got := other.get("/api/v1/export").body; string(got) != string(answer.body) {
		t.Errorf("exported:\n%s\nafter a round trip:\n%s", answer.body, got)
	}
	if edit := decode[wire.Edit](h.post("/api/v1/apply?prune=true&dry_run=true", string(answer.body), yamlBody)); len(edit.Changes) != 0 {
		t.Errorf("the export differs from what it was made of: %+v", edit.Changes)
	}
}

func TestPutNeedsAPrecondition(t *testing.T) {
	h := openShop(t)
	body := `{"match": {"path": "/search"}, "legacy": "monolith"}`
	for _, path := range []string{"/api/v1/routes/search", "/api/v1/routes/orders-get"} {
		p := h.put(path, body).problem(http.StatusPreconditionRequired, "precondition_required")
		if !strings.Contains(p.Hint, "If-None-Match: *") || !strings.Contains(p.Hint, "If-Match") {
			t.Errorf("%+v", p)
		}
	}
	h.put("/api/v1/routes/search", body, header("If-None-Match", `"1"`)).problem(http.StatusBadRequest, "bad_precondition")
	h.put("/api/v1/routes/search", body, header("If-None-Match", "*"), header("If-Match", `"1"`)).problem(http.StatusBadRequest, "bad_precondition")

	created := h.put("/api/v1/routes/search?reason=new+team", body, header("If-None-Match", "*")).want(http.StatusOK)
	if tag := created.header.Get("ETag"); tag != `"2"` {
		t.Errorf("ETag %s, want \"2\"", tag)
	}
	p := h.put("/api/v1/routes/search", body, header("If-None-Match", "*")).problem(http.StatusPreconditionFailed, "conflict")
	if p.Revision != 2 || p.ChangedBy != "ada" || !strings.Contains(p.Hint, `If-Match: "2"`) {
		t.Errorf("%+v", p)
	}
	same := h.put("/api/v1/routes/search", body, header("If-Match", `"2"`)).want(http.StatusOK)
	if tag := same.header.Get("ETag"); tag != `"2"` || decode[wire.Edit](same).Revision != 2 {
		t.Errorf("nothing to change: ETag %s, %s", tag, same.body)
	}
	h.put("/api/v1/routes/search", `{"match": {"prefix": "/search"}, "legacy": "monolith"}`, header("If-Match", `"1"`)).problem(http.StatusPreconditionFailed, "conflict")
	changed := h.put("/api/v1/routes/search", `{"match": {"prefix": "/search"}, "legacy": "monolith"}`, header("If-Match", `"2"`)).want(http.StatusOK)
	if tag := changed.header.Get("ETag"); tag != `"3"` {
		t.Errorf("ETag %s, want \"3\"", tag)
	}
	gone := h.put("/api/v1/routes/searches", body, header("If-Match", `"2"`)).problem(http.StatusPreconditionFailed, "conflict")
	if gone.Title != "It does not exist any more." {
		t.Errorf("%+v", gone)
	}
}

func TestPutBackend(t *testing.T) {
	h := openShop(t)
	edit := decode[wire.Edit](h.put("/api/v1/backends/orders", `{"endpoints": ["https://orders.internal"]}`, header("If-Match", `"1"`)).want(http.StatusOK))
	if len(edit.Changes) != 1 || string(edit.Changes[0].After) != `{"name":"orders","endpoints":["https://orders.internal"]}` {
		t.Errorf("%s", edit.Changes[0].After)
	}
	for _, endpoint := range []string{"file:///etc/passwd", "http://user:secret@shop", "http://169.254.169.254", "http://[fe80::1]", "shop"} {
		body := fmt.Sprintf(`{"endpoints": [%q]}`, endpoint)
		p := h.put("/api/v1/backends/orders", body, header("If-Match", `"2"`)).problem(http.StatusUnprocessableEntity, "invalid_definitions")
		if len(p.Problems) != 1 || p.Problems[0].Code != "endpoint" || strings.Contains(p.Detail, "secret") {
			t.Errorf("%q: %+v", endpoint, p)
		}
	}
}

func TestPutRefusesATieAndNamesBothRoutes(t *testing.T) {
	h := openShop(t)
	body := `{"match": {"path": "/orders/{number:[1-9]+}", "methods": ["GET"]}, "legacy": "monolith"}`
	p := h.put("/api/v1/routes/twin", body, header("If-None-Match", "*")).problem(http.StatusUnprocessableEntity, "invalid_definitions")
	if len(p.Problems) != 1 || p.Problems[0].Code != "tie" || !strings.Contains(p.Detail, "orders-get") || !strings.Contains(p.Detail, "twin") {
		t.Errorf("%+v", p)
	}
}

func TestPutHasOneName(t *testing.T) {
	h := openShop(t)
	h.put("/api/v1/backends/search", `{"name": "find", "endpoints": ["http://127.0.0.1:1"]}`, header("If-None-Match", "*")).problem(http.StatusBadRequest, "bad_name")
	h.put("/api/v1/backends/search", `{"name": "search", "endpoints": ["http://127.0.0.1:1"]}`, header("If-None-Match", "*")).want(http.StatusOK)
}

func TestWhatIsInUseStays(t *testing.T) {
	h := openShop(t)
	if p := h.delete("/api/v1/backends/orders").problem(http.StatusConflict, "in_use"); !strings.Contains(p.Detail, "orders-get") {
		t.Errorf("%+v", p)
	}
	h.post("/api/v1/routes/orders-get/promote", `{"to": "5%"}`).want(http.StatusOK)
	if p := h.delete("/api/v1/routes/orders-get").problem(http.StatusConflict, "exposed"); !strings.Contains(p.Detail, "rollback") {
		t.Errorf("%+v", p)
	}
	h.delete("/api/v1/routes/order-get").problem(http.StatusNotFound, "unknown_route")
	h.delete("/api/v1/backends/nobody").problem(http.StatusNotFound, "unknown_backend")
	h.delete("/api/v1/routes/orders-post", header("If-Match", `"9"`)).problem(http.StatusPreconditionFailed, "conflict")
	removed := h.delete("/api/v1/routes/orders-post?reason=never+used", header("If-Match", `"1"`)).want(http.StatusOK)
	if edit := decode[wire.Edit](removed); edit.Revision != 3 || len(edit.Changes) != 1 || edit.Changes[0].Op != wire.ChangeOpRemoved || removed.header.Get("ETag") != "" {
		t.Errorf("%+v", edit)
	}
	h.get("/api/v1/routes/orders-post").problem(http.StatusNotFound, "unknown_route")
}

// What people write has one shape in package spec, which reads files, and one
// in package wire, which is generated: they are the same JSON.
func TestADefinitionIsTheSameInAFileAndOnTheWire(t *testing.T) {
	const text = `{
		"name": "all", "match": {"host": "*.shop.example", "path": "/a", "prefix": "/b", "methods": ["GET"],
			"headers": [{"name": "A"}, {"name": "B", "equals": ""}], "query": [{"name": "q", "matches": "[0-9]+"}]},
		"priority": 3, "trailing_slash": "either", "legacy": "l", "new": "n", "group": "g",
		"keys": [{"header": "X"}, {"cookie": "c"}, {"claim": "sub"}, "client_address", "mint"], "salt": "s",
		"rewrite": {"legacy": {"strip_prefix": "/a", "add_prefix": "/b"},
			"new": {"path": "/c", "host": "h", "set_headers": {"A": ""}, "remove_headers": ["B"]}},
		"guard": {"legacy": {"timeouts": {"connect": "1s", "tls": "2s", "read": "3s", "write": "4s", "whole": "5s", "idle": "6s", "stream": "7s"},
				"retry": "off", "breaker": {"slow": {"over": "1s", "share": "9%"}, "min": 3}, "streams": {"concurrent": 4, "queue": 5, "wait": "6ms"}},
			"new": {"retry": {"attempts": 3, "base": "1s", "cap": "2s", "budget": "7%", "min_per_second": 8, "replay": "9KiB", "classes": "not_sent"},
				"breaker": {"window": "1m", "failures": "2%", "consecutive": 4, "open": "5s", "max_open": "6s", "quiet": "7s", "counts": "failures"},
				"bulkhead": "off", "fallback": {"on": ["open", "5xx"]}}},
		"plan": {"steps": ["shadow", "1%"], "bake": "10m"}
	}`
	same[spec.Route, wire.RouteDefinition](t, text)
	same[spec.Backend, wire.BackendDefinition](t, `{"name": "b", "endpoints": ["http://127.0.0.1:1"], "bulkhead": {"queue": 2},
		"fallback": {"budget": "9%", "min_per_second": 4},
		"health": {"path": "/up", "interval": "1s", "timeout": "500ms", "healthy": 3, "unhealthy": 4}}`)
	same[spec.Backend, wire.BackendDefinition](t, `{"name": "b", "endpoints": ["http://127.0.0.1:1"], "bulkhead": "off"}`)
}

// same reads text as a D and as a W, refusing what either does not know, and
// compares what they write.
func same[D, W any](t *testing.T, text string) {
	t.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(text), &wanted); err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{new(D), new(W)} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(value); err != nil {
			t.Fatalf("%T: %v", value, err)
		}
		written, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%T: %s", value, diff)
		}
	}
}

func TestAnAnswerListsTheFirstHundredProblems(t *testing.T) {
	h := open(t)
	var file strings.Builder
	for i := range 150 {
		fmt.Fprintf(&file, "unknown%d: 1\n", i)
	}
	p := h.post("/api/v1/apply", file.String(), yamlBody).problem(http.StatusUnprocessableEntity, "invalid_definitions")
	if len(p.Problems) != 100 || p.Detail != "150 problems, the first 100 of which are listed; nothing was changed" {
		t.Errorf("%d problems are listed, and the detail is %q", len(p.Problems), p.Detail)
	}
}

// A slip inside a part of a guard is refused like any other.
func TestAnUnknownSettingOfAGuardIsRefused(t *testing.T) {
	h := openShop(t)
	p := h.put("/api/v1/backends/monolith", `{"endpoints": ["http://127.0.0.1:3000"], "bulkhead": {"concurent": 3}}`, header("If-Match", `"1"`)).
		problem(http.StatusUnprocessableEntity, "invalid_definitions")
	if len(p.Problems) != 1 || p.Problems[0].Code != "unknown_key" || !strings.Contains(p.Problems[0].Message, `"concurent"`) {
		t.Errorf("%+v", p.Problems)
	}
}
