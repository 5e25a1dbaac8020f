package redact_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// planted is what must never be seen again, wherever it stood: it has what no
// input of a fuzzer has by chance.
const planted = "eyJhbGciOiJIUzI1NiJ9.plantedplantedplanted"

// named is a secret that only its name tells.
const named = "correct-horse-PLANTED"

func mustNotShow(t *testing.T, what, shown string) {
	t.Helper()
	for _, secret := range []string{planted, named, "plantedplanted", "PLANTED", card} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s shows %q: %q", what, secret, shown)
		}
	}
}

// FuzzDifference plants secrets into JSON of any shape and compares it with other
// JSON: whatever differs, no secret is kept.
func FuzzDifference(f *testing.F) {
	f.Add(`{"a":[1,{"b":null}],"c":"x"}`, "user", uint8(0))
	f.Add(`[[],{"":0},"é\u0000\"",1e400]`, "the 'quoted' \\ name", uint8(1))
	f.Add(`"…"`, "\x00\xff", uint8(2))
	f.Add(`{"a":1,"a":2}`, strings.Repeat("n", 300), uint8(3))
	r := redactor(f, nil, []string{"$.token_type", "$..card.brand", "$[*].hint"})
	f.Fuzz(func(t *testing.T, base, name string, shape uint8) {
		legacy, fresh, ok := plant(base, name, shape)
		if !ok {
			return // no JSON, and nothing to plant secrets into
		}
		header := map[string][]string{"Content-Type": {"application/json"}}
		result := compare.Compare(
			compare.Answer{Status: 200, Header: header, Body: legacy},
			compare.Answer{Status: 200, Header: header, Body: fresh}, compare.Options{Bodies: true})
		for _, d := range result.Differences {
			hidden := r.Difference(d)
			for _, text := range []string{hidden.Where, hidden.Path, hidden.Legacy.Text, hidden.New.Text} {
				mustNotShow(t, d.Where, text)
			}
			if strings.HasPrefix(d.Where, "$") && d.Kind != compare.KindRepeat {
				mustBeJSON(t, d.Legacy, hidden.Legacy)
				mustBeJSON(t, d.New, hidden.New)
			}
		}
		for _, body := range [][]byte{legacy, fresh} {
			mustNotShow(t, "the body", string(r.Body("application/json", body)))
		}
	})
}

func mustBeJSON(t *testing.T, before, after compare.Value) {
	t.Helper()
	if before.Text != "" && !json.Valid([]byte(after.Text)) {
		t.Errorf("%q has become %q, which is no JSON", before.Text, after.Text)
	}
}

// plant makes two bodies of any JSON: with secrets in it, and without or with
// others.
func plant(base, name string, shape uint8) (legacy, fresh []byte, ok bool) {
	var value any
	if json.Unmarshal([]byte(base), &value) != nil || len(base) > 4<<10 {
		return nil, nil, false
	}
	secrets := map[string]any{
		name:       []any{"before " + planted, 4111111111111111, value},
		"password": named, "user_token": []any{value, named, map[string]any{name: named}},
		planted: value, "note": "the password: " + named + "\nBearer " + named,
	}
	var with, without any = secrets, map[string]any{"password": name, "note": base}
	switch shape % 4 {
	case 1:
		with, without = []any{value, secrets, name}, []any{value, name}
	case 2:
		with, without = map[string]any{"card": secrets, name: secrets}, value
	case 3:
		with, without = map[string]any{"x": []any{secrets}}, map[string]any{"x": []any{map[string]any{"password": []any{named, name}}}}
	}
	legacy, errLegacy := json.Marshal(with)
	fresh, errFresh := json.Marshal(without)
	return legacy, fresh, errLegacy == nil && errFresh == nil
}

// FuzzText puts secrets between any two texts: as lines, header fields, targets
// and forms.
func FuzzText(f *testing.F) {
	f.Add("before ", " after")
	f.Add("a=b&c%20d=", "&e=%zz;f")
	f.Add("https://user:", "@host/?x=y")
	f.Add("4111 ", "11 1111")
	f.Add("\"password\": \"", "\"")
	r := redactor(f, nil, nil)
	f.Fuzz(func(t *testing.T, before, after string) {
		if len(before)+len(after) > 2<<10 || !utf8.ValidString(before) || !utf8.ValidString(after) {
			t.Skip()
		}
		for _, text := range []string{
			before + " " + planted + " " + after, before + "/" + planted + "/" + after,
			before + "\npassword=" + named + "\n" + after, before + "\n\"api_key\" : \"" + named + "\"\n" + after,
			before + "\nAuthorization: Bearer " + named + "\n" + after, before + " \n" + card + "\n " + after,
		} {
			hidden := r.Difference(compare.Difference{Where: "line 1", Path: "line", Kind: compare.KindText, New: compare.Value{Type: "string", Text: text}})
			mustNotShow(t, "a line", hidden.New.Text)
			mustNotShow(t, "a field", r.Header("X-Note", []string{text})[0])
		}
		target := "/" + url.PathEscape(before) + "/" + planted + "?" + url.QueryEscape(before) + "=" + planted +
			"&token=" + named + "&x=" + url.QueryEscape("y?password="+named) + "&" + url.QueryEscape(after)
		mustNotShow(t, "a target", r.Target(target))
		mustNotShow(t, "a field with a target", r.Header("Location", []string{"https://x" + target})[0])
		mustNotShow(t, "a form", string(r.Body("application/x-www-form-urlencoded", []byte("a="+url.QueryEscape(after)+"&token="+named))))
		mustNotShow(t, "cookies", r.Header("Cookie", []string{before + "=" + named + ";" + named + "; " + after})[0])
	})
}

func BenchmarkDifference(b *testing.B) {
	r := redactor(b, nil, nil)
	d := compare.Difference{
		Where: "$.items[3].customer", Path: "$.items[*].customer", Kind: compare.KindMissing,
		Legacy: compare.Value{Type: "object", Text: `{"name":"Ana","email":"ana@example.com","access_token":"abc","tags":["a","b"],"total":12.5}`},
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Difference(d)
	}
}

func BenchmarkBody(b *testing.B) {
	r := redactor(b, nil, nil)
	body := []byte(`[` + strings.Repeat(`{"sku":"a-1","name":"A lamp, white","price":12.50,"stock":true},`, 1000) + `{"password":"x"}]`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r.Body("application/json", body)
	}
}

func BenchmarkPath(b *testing.B) {
	r := redactor(b, nil, nil)
	d := compare.Difference{Where: "$.items[*].customer.address.street", Path: "$.items[*].customer.address.street", Kind: compare.KindValue}
	b.ReportAllocs()
	for b.Loop() {
		r.Difference(d)
	}
}
