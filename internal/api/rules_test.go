package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
)

const rulesOfGet = "/api/v1/routes/orders-get/rules"

// clockRule hides when an answer was made.
const clockRule = `{"kind": "ignore", "target": "$.generated_at", "reason": "clock", "expires": "2999-01-31"}`

func TestARuleIsPreviewedAddedAndRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		h := openAt(t, url())
		h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		h.compares("orders-get", "b1").found(clockDiffers("1", "2")).found(clockDiffers("1", "2"), totalIsANumber()).found().kept()
		olga := as(h.secrets[auth.Operator])

		preview := decode[wire.RulePreview](h.post(rulesOfGet+"/preview", `{"kind": "ignore", "target": "$.generated_at"}`, olga).want(http.StatusOK))
		if diff := cmp.Diff(wire.RulePreview{Hidden: 2, Of: 3, Exact: true, Exemplars: 2}, preview); diff != "" {
			t.Error(diff)
		}
		planned := decode[wire.RuleChange](h.post(rulesOfGet+"?dry_run=true", clockRule, olga).want(http.StatusOK))
		if !planned.Changed || !planned.DryRun || planned.Revision != 1 || len(decode[[]wire.Rule](h.get(rulesOfGet))) != 0 {
			t.Errorf("planned %+v", planned)
		}
		answer := h.post(rulesOfGet, clockRule, olga).want(http.StatusOK)
		added := decode[wire.RuleChange](answer)
		if !added.Changed || added.Revision != 2 || added.PreviousRevision != 1 || added.Actor != "olga" || added.Rule.Owner != "olga" || len(added.Warnings) != 0 ||
			added.Preview == nil || *added.Preview != preview || answer.header.Get("ETag") != `"2"` {
			t.Errorf("added %+v, ETag %s", added, answer.header.Get("ETag"))
		}
		list := decode[[]wire.Rule](h.get(rulesOfGet, as(h.secrets[auth.Viewer])).want(http.StatusOK))
		if len(list) != 1 || list[0].ID != added.Rule.ID || list[0].Reason != "clock" || list[0].Expired || list[0].Hits == nil || *list[0].Hits != 0 ||
			list[0].Expires == nil || list[0].Expires.Format("2006-01-02") != "2999-01-31" {
			t.Errorf("%+v", list)
		}
		event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
		if event.Verb != string(rollout.VerbRuleAdd) || event.Kind != "route" || event.Subject != "orders-get" || event.Actor != "olga" || event.Reason != "clock" {
			t.Errorf("%+v", event)
		}
		if export := string(h.get("/api/v1/export").body); !strings.Contains(export, "$.generated_at") {
			t.Errorf("the export does not have it:\n%s", export)
		}
		again := decode[wire.RuleChange](h.post(rulesOfGet, clockRule, as(h.secrets[auth.Admin])).want(http.StatusOK))
		if again.Changed || again.Revision != 2 || again.Note != "there is such a rule already" || again.Rule.Owner != "olga" {
			t.Errorf("again %+v", again)
		}
		removed := decode[wire.RuleChange](h.delete(rulesOfGet+"/"+added.Rule.ID+"?reason=fixed", olga).want(http.StatusOK))
		if !removed.Changed || removed.Revision != 3 || removed.Rule.ID != added.Rule.ID || removed.Preview != nil {
			t.Errorf("removed %+v", removed)
		}
		event = decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
		if event.Verb != string(rollout.VerbRuleRemove) || event.Reason != "fixed" {
			t.Errorf("%+v", event)
		}
		h.delete(rulesOfGet+"/"+added.Rule.ID, olga).problem(http.StatusNotFound, "unknown_rule")
	})
}

func TestARuleThatIsThereGetsANewEnd(t *testing.T) {
	h := openShop(t)
	h.post(rulesOfGet, clockRule).want(http.StatusOK)
	change := decode[wire.RuleChange](h.post(rulesOfGet, strings.Replace(clockRule, "2999", "3000", 1)).want(http.StatusOK))
	if !change.Changed || !strings.Contains(change.Note, "already") || change.Rule.Expires.Year() != 3000 {
		t.Errorf("%+v", change)
	}
	if list := decode[[]wire.Rule](h.get(rulesOfGet)); len(list) != 1 || list[0].Expires.Year() != 3000 {
		t.Errorf("%+v", list)
	}
}

func TestRulesThatOughtToBeReadTwice(t *testing.T) {
	h := openShop(t)
	all := decode[wire.RuleChange](h.post(rulesOfGet, `{"kind": "ignore", "target": "$", "reason": "tired"}`).want(http.StatusOK))
	if !all.Changed || len(all.Warnings) != 1 || !strings.Contains(all.Warnings[0], "HIDES EVERYTHING") {
		t.Errorf("%+v", all)
	}
	old := decode[wire.RuleChange](h.post(rulesOfGet, `{"kind": "case", "target": "$.name", "reason": "old", "expires": "2020-01-31"}`).want(http.StatusOK))
	if len(old.Warnings) != 1 || !strings.Contains(old.Warnings[0], "expired") || !old.Rule.Expired {
		t.Errorf("%+v", old)
	}
	h.compares("orders-get", "b1").found(totalIsANumber()).kept()
	missed := decode[wire.RuleChange](h.post(rulesOfGet, `{"kind": "ignore", "target": "$.totals", "reason": "misspelt"}`).want(http.StatusOK))
	if !missed.Changed || missed.Note != "of the 1 differences found so far it would have hidden none" {
		t.Errorf("%+v", missed)
	}
	nothing := decode[wire.RulePreview](h.post("/api/v1/routes/orders-list/rules/preview", `{"kind": "ignore", "target": "$"}`).want(http.StatusOK))
	if diff := cmp.Diff(wire.RulePreview{Exact: true, Everything: true}, nothing); diff != "" {
		t.Error(diff)
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	h := openShop(t)
	for _, bad := range []struct{ body, field, says string }{
		{`{"kind": "ignore", "target": "$.a[", "reason": "x"}`, "target", `"$.a[", character 5`},
		{`{"kind": "ignore", "target": "generated_at", "reason": "x"}`, "target", `"generated_at"`},
		{`{"kind": "tolerance", "target": "$.a", "within": "much", "reason": "x"}`, "within", `"much"`},
		{`{"kind": "replace", "target": "$.a", "pattern": "(", "reason": "x"}`, "pattern", `"("`},
		{`{"kind": "ignore", "target": "$.a"}`, "reason", "needs a reason"},
		{`{"kind": "hide", "target": "$.a", "reason": "x"}`, "kind", `"hide"`},
		{`{"kind": "ignore", "target": "$.a", "reason": "x", "expires": "tomorrow"}`, "expires", `"tomorrow"`},
	} {
		p := h.post(rulesOfGet, bad.body).problem(http.StatusUnprocessableEntity, "invalid_rule")
		if len(p.Problems) != 1 || p.Problems[0].Path != bad.field || !strings.Contains(p.Detail, bad.says) || !strings.Contains(p.Detail, "nothing was changed") {
			t.Errorf("%s: %+v", bad.body, p)
		}
	}
	h.post(rulesOfGet, `{"kind": "ignore", "target": "$.a", "reason": "two\nlines"}`).problem(http.StatusBadRequest, "bad_reason")
	h.post(rulesOfGet, clockRule, header("If-Match", `"7"`)).problem(http.StatusPreconditionFailed, "conflict")
	h.post("/api/v1/routes/order-get/rules", clockRule).problem(http.StatusNotFound, "unknown_route")
	h.post("/api/v1/routes/order-get/rules/preview", clockRule).problem(http.StatusNotFound, "unknown_route")
	h.get("/api/v1/routes/order-get/rules").problem(http.StatusNotFound, "unknown_route")
	p := h.post("/api/v1/routes/everything/rules", clockRule).problem(http.StatusConflict, "no_new_side")
	if !strings.Contains(p.Detail, "route everything has no new side") {
		t.Errorf("%q", p.Detail)
	}
	if list := decode[[]wire.Rule](h.get(rulesOfGet)); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// A rule is most wanted when nothing else works: what it hides is not needed for it.
func TestARuleIsAddedThoughEvidenceCannotBeRead(t *testing.T) {
	h := openShop(t)
	h.store.unread = fmt.Errorf("%w: connection refused", rollout.ErrUnavailable)
	change := decode[wire.RuleChange](h.post(rulesOfGet, clockRule).want(http.StatusOK))
	if !change.Changed || change.Preview != nil || len(change.Warnings) != 1 || !strings.Contains(change.Warnings[0], "could not be read") {
		t.Errorf("%+v", change)
	}
	if list := decode[[]wire.Rule](h.get(rulesOfGet).want(http.StatusOK)); len(list) != 1 || list[0].Hits != nil {
		t.Errorf("%+v", list)
	}
	h.post(rulesOfGet+"/preview", clockRule).problem(http.StatusServiceUnavailable, "store_unavailable")
	h.get("/api/v1/differences").problem(http.StatusServiceUnavailable, "store_unavailable")
}
