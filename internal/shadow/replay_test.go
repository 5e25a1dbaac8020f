package shadow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// exemplar is what is kept of a comparison of these answers.
func exemplar(t *testing.T, request shadow.Request, legacy, fresh compare.Answer) shadow.Exemplar {
	t.Helper()
	c := shadow.NewCollector(shadow.CollectorConfig{})
	c.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: redactor(t)}})
	found := comparison(1, compare.Compare(legacy, fresh, compare.Options{Bodies: true}))
	found.Request, found.Legacy.Status, found.New.Status = request, legacy.Status, fresh.Status
	c.Add(found)
	kept := c.Drain().Exemplars
	if len(kept) != 1 {
		t.Fatalf("%d exemplars, want one", len(kept))
	}
	return kept[0]
}

func replayed(t *testing.T, e shadow.Exemplar, legacy, fresh compare.Answer, noise ...string) shadow.Replayed {
	t.Helper()
	replay := shadow.Replay{
		Exemplar: e, Now: compare.Compare(legacy, fresh, compare.Options{Bodies: true}), Legacy: legacy,
		Noise: make(map[string]bool), Redactor: redactor(t),
	}
	for _, id := range noise {
		replay.Noise[id] = true
	}
	return replay.Judge()
}

func failed(how string) compare.Answer { return compare.Answer{Failure: how} }

func status(code int) compare.Answer { return compare.Answer{Status: code} }

func vary(value string) compare.Answer {
	return compare.Answer{Status: 200, Header: map[string][]string{"Vary": {value}}}
}

func TestReplaySaysWhatHasBecomeOfADifference(t *testing.T) {
	cents, number := answer(`{"total":"12.50"}`), answer(`{"total":12.5}`)
	for name, test := range map[string]struct {
		legacy, fresh       compare.Answer
		legacyNow, freshNow compare.Answer
		want                shadow.ReplayVerdict
	}{
		"nothing has changed":         {cents, number, cents, number, shadow.ReplayPersists},
		"new is mended":               {cents, number, cents, cents, shadow.ReplayFixed},
		"new is mended, other data":   {cents, number, answer(`{"total":"99.00"}`), answer(`{"total":"99.00"}`), shadow.ReplayFixed},
		"legacy has new's type now":   {cents, number, number, number, shadow.ReplayLegacyChanged},
		"legacy does not have it now": {cents, number, answer(`{}`), answer(`{}`), shadow.ReplayLegacyChanged},
		"another way":                 {cents, number, cents, answer(`{"total":"12.5"}`), shadow.ReplayDifferent},
		"another place":               {cents, number, cents, answer(`{"total":"12.50","x":1}`), shadow.ReplayDifferent},
		"gone from legacy":            {cents, number, status(404), status(404), shadow.ReplayLegacyChanged},
		"new fails otherwise":         {cents, number, cents, status(500), shadow.ReplayDifferent},
		"new gives no answer":         {cents, number, cents, failed("timeout"), shadow.ReplayUnanswered},
		"legacy gives no answer":      {cents, number, failed("reset"), number, shadow.ReplayUnanswered},
		"neither does":                {cents, number, failed("reset"), failed("reset"), shadow.ReplayUnanswered},
		"still no answer":             {cents, failed("timeout"), cents, failed("timeout"), shadow.ReplayPersists},
		"an answer at last":           {cents, failed("timeout"), cents, cents, shadow.ReplayFixed},
		"an answer, but another":      {cents, failed("timeout"), cents, number, shadow.ReplayDifferent},
		"the same status":             {status(200), status(500), status(200), status(500), shadow.ReplayPersists},
		"another status":              {status(200), status(500), status(200), status(404), shadow.ReplayDifferent},
		"the right status":            {status(200), status(500), status(200), status(200), shadow.ReplayFixed},
		"a value mended":              {answer(`{"s":"a"}`), answer(`{"s":"b"}`), answer(`{"s":"a"}`), answer(`{"s":"a"}`), shadow.ReplayFixed},
		"a value of legacy's changed": {answer(`{"s":"a"}`), answer(`{"s":"b"}`), answer(`{"s":"b"}`), answer(`{"s":"b"}`), shadow.ReplayLegacyChanged},
		"a hidden value mended": {
			answer(`{"token":"a"}`), answer(`{"token":"b"}`), answer(`{"token":"a"}`), answer(`{"token":"a"}`), shadow.ReplayFixed,
		},
		"a hidden value of legacy's changed": {
			answer(`{"token":"a"}`), answer(`{"token":"b"}`), answer(`{"token":"b"}`), answer(`{"token":"b"}`), shadow.ReplayLegacyChanged,
		},
		"a header mended":              {vary("Accept"), vary(""), vary("Accept"), vary("Accept"), shadow.ReplayFixed},
		"a header of legacy's changed": {vary("Accept"), vary("Origin"), vary("Origin"), vary("Origin"), shadow.ReplayLegacyChanged},
		"an order mended": {
			answer(`[{"id":1},{"id":2}]`), answer(`[{"id":2},{"id":1}]`), answer(`[{"id":1},{"id":2}]`), answer(`[{"id":1},{"id":2}]`), shadow.ReplayFixed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := exemplar(t, shadow.Request{Method: "GET", Target: "/orders/7"}, test.legacy, test.fresh)
			if got := replayed(t, e, test.legacyNow, test.freshNow); got.Verdict != test.want {
				t.Errorf("verdict %q, want %q: now %+v, unseen %q", got.Verdict, test.want, got.Now, got.Unseen)
			}
		})
	}
}

func TestNoiseIsNoReasonToCallADifferencePersistent(t *testing.T) {
	e := exemplar(t, shadow.Request{Method: "GET"}, answer(`{"clock":"1","total":"1"}`), answer(`{"clock":"2","total":1}`))
	now := func(noise ...string) shadow.ReplayVerdict {
		return replayed(t, e, answer(`{"clock":"3","total":"1"}`), answer(`{"clock":"4","total":"1"}`), noise...).Verdict
	}
	if verdict := now(); verdict != shadow.ReplayPersists {
		t.Errorf("%s, want persists: nobody said that anything is noise", verdict)
	}
	// Only the clock is left, so that it depends on which of the two is noise.
	got := map[shadow.ReplayVerdict]int{}
	for _, id := range e.Signatures {
		got[now(id)]++
	}
	equal(t, "verdicts", got, map[shadow.ReplayVerdict]int{shadow.ReplayFixed: 1, shadow.ReplayPersists: 1})
}

// A developer mends one bug at a time, and asks about that one.
func TestReplayJudgesTheDifferenceThatIsAskedAbout(t *testing.T) {
	e := exemplar(t, shadow.Request{Method: "GET"}, answer(`{"name":"a","total":"1"}`), answer(`{"name":"b","total":1}`))
	named := make(map[string]string)
	for _, d := range e.Differences {
		named[d.Where] = e.SignatureID(d)
	}
	about := func(where, freshNow string) shadow.ReplayVerdict {
		t.Helper()
		legacy := answer(`{"name":"a","total":"1"}`)
		return shadow.Replay{
			Exemplar: e, Now: compare.Compare(legacy, answer(freshNow), compare.Options{Bodies: true}), Legacy: legacy,
			Asked: named[where], Redactor: redactor(t),
		}.Judge().Verdict
	}
	for _, test := range []struct {
		where, freshNow string
		want            shadow.ReplayVerdict
	}{
		{"$.total", `{"name":"b","total":"1"}`, shadow.ReplayFixed},
		{"$.name", `{"name":"b","total":"1"}`, shadow.ReplayPersists},
		{"", `{"name":"b","total":"1"}`, shadow.ReplayPersists},
		{"$.total", `{"name":"a","total":1}`, shadow.ReplayPersists},
		{"$.total", `{"name":"b","total":"2"}`, shadow.ReplayDifferent},
		{"$.total", `{"name":"b"}`, shadow.ReplayDifferent},
		{"", `{"name":"a","total":"1"}`, shadow.ReplayFixed},
	} {
		if got := about(test.where, test.freshNow); got != test.want {
			t.Errorf("about %q with %s: %s, want %s", test.where, test.freshNow, got, test.want)
		}
	}
}

func TestReplaySaysWhatItCannotSee(t *testing.T) {
	request := shadow.Request{
		Method: "POST", Target: "/orders?token=abc", Body: []byte(`{"password":"pw"}`),
		Header: map[string][]string{"Authorization": {"Bearer abc"}, "Accept": {"*/*"}, "Content-Type": {"application/json"}},
	}
	text := func(body string) compare.Answer {
		return compare.Answer{Status: 200, Header: map[string][]string{"Content-Type": {"text/plain"}}, Body: []byte(body)}
	}
	e := exemplar(t, request, text("a"), text("b"))
	got := replayed(t, e, text("c"), text("c"))
	equal(t, "unseen", got.Unseen, []string{
		"a value in the request's body: it is hidden, and was sent so",
		"a value in the request's path or query: it is hidden, and was sent so",
		"the request's Authorization: its value is hidden; give it with -H",
		`what legacy has at "line 1" now`,
	})
	if got.Verdict != shadow.ReplayFixed {
		t.Errorf("verdict %q, want fixed", got.Verdict)
	}
	given := shadow.Replay{
		Exemplar: e, Now: compare.Result{}, Legacy: text("c"), Redactor: redactor(t),
		Given: map[string][]string{"Authorization": {"Bearer mine"}},
	}.Judge()
	equal(t, "unseen beside what was given", given.Unseen, slices.Delete(slices.Clone(got.Unseen), 2, 3))
	bomb := shadow.Replay{Exemplar: e, Now: compare.Result{Outcome: compare.Skipped, Reason: "bomb"}, Redactor: redactor(t)}.Judge()
	if bomb.Verdict != shadow.ReplayUnanswered || !strings.Contains(strings.Join(bomb.Unseen, "\n"), "(bomb)") {
		t.Errorf("%+v, want unanswered because of bomb", bomb)
	}
}

func TestWhatAReplayShowsIsRedacted(t *testing.T) {
	e := exemplar(t, shadow.Request{Method: "GET"}, answer(`{"password":"a"}`), answer(`{"password":"b"}`))
	got := replayed(t, e, answer(`{"password":"planted1"}`), answer(`{"password":"planted2"}`))
	if len(got.Now) != 1 || strings.Contains(got.Now[0].Legacy.Text+got.Now[0].New.Text, "planted") {
		t.Errorf("now %+v, want one hidden difference", got.Now)
	}
}

func TestAReplaySaysWhereNoCredentialsWereSent(t *testing.T) {
	cents, number := answer(`{"total":"12.50"}`), answer(`{"total":12.5}`)
	e := exemplar(t, shadow.Request{Method: "GET", Target: "/"}, cents, number)
	replay := shadow.Replay{Exemplar: e, Now: compare.Compare(cents, cents, compare.Options{Bodies: true}), Legacy: cents, Redactor: redactor(t)}
	replay.Withheld[routing.New] = true
	want := []string{"what new says with credentials: it is of another trust, and Authorization and Cookie are not sent there"}
	if got := replay.Judge(); !slices.Equal(got.Unseen, want) || got.Verdict != shadow.ReplayFixed {
		t.Errorf("%+v, want %q", got, want)
	}
}
