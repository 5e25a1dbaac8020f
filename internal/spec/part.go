package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// wordOff is written in place of a part's settings to do without it.
const wordOff = "off"

// Part is what is written about one part of a guard, or about one gate: its settings,
// or the word off, in JSON as in YAML.
type Part[T any] struct {
	Off bool
	Set T // without effect when the part is off

	// Unknown says what this program does not know in a part that came as JSON;
	// empty: nothing. A store may hold such things, written by a newer router;
	// Apply refuses them in what people write.
	Unknown string
}

// normalized returns the one way of writing the part; nil: it is as good as
// not written. Settings may have a way of their own.
func (p *Part[T]) normalized() *Part[T] {
	if p == nil {
		return nil
	}
	if p.Off {
		return &Part[T]{Off: true}
	}
	out := *p
	if set, ok := any(p.Set).(interface{ normalized() T }); ok {
		out.Set = set.normalized()
	}
	if reflect.ValueOf(out.Set).IsZero() && p.Unknown == "" {
		return nil
	}
	return &out
}

// written returns the settings, and whether the part is off; nothing of both
// for a part that is not written.
func (p *Part[T]) written() (set T, off bool) {
	if p == nil {
		return set, false
	}
	return p.Set, p.Off
}

// switches gives a reader what it fills in.
func (p *Part[T]) switches() (off *bool, settings any) { return &p.Off, &p.Set }

// strangeness is what this program does not know in the part.
func (p *Part[T]) strangeness() string {
	if p == nil {
		return ""
	}
	return p.Unknown
}

// plain is the part as JSON and YAML hold it.
func (p Part[T]) plain() any {
	if p.Off {
		return wordOff
	}
	return p.Set
}

// MarshalJSON writes "off" or the settings.
func (p Part[T]) MarshalJSON() ([]byte, error) { return json.Marshal(p.plain()) }

// MarshalYAML writes "off" or the settings.
func (p Part[T]) MarshalYAML() (any, error) { return p.plain(), nil }

// UnmarshalJSON reads what MarshalJSON writes. Settings that it does not know
// it leaves out, for Apply to refuse in what people write.
func (p *Part[T]) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(`"`)) {
		var word string
		if err := json.Unmarshal(text, &word); err != nil || word != wordOff {
			return fmt.Errorf("a part that may be off is %s: write its settings, or off", text)
		}
		*p = Part[T]{Off: true}
		return nil
	}
	var read Part[T]
	if err := json.Unmarshal(text, &read.Set); err != nil {
		return err
	}
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(new(T)); err != nil {
		read.Unknown = strings.TrimPrefix(err.Error(), "json: ")
	}
	*p = read
	return nil
}
