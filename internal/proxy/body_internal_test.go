package proxy

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestKeptBodyIsForgotten as soon as nobody can need it any more, and no sooner.
func TestKeptBodyIsForgotten(t *testing.T) {
	body := &clientBody{src: io.NopCloser(strings.NewReader("kept")), length: 4, record: &record{limit: 64}}
	idle := &deadline{headDone: true}
	first, second := &upload{body: body, deadline: idle}, &upload{body: body, deadline: idle}
	read := func(u *upload, n int) {
		t.Helper()
		if _, err := io.ReadFull(u, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	read(first, 4)
	read(second, 2)
	body.forget(second)
	if body.record == nil {
		t.Fatal("forgotten, though the second try has had only half of it")
	}
	read(second, 2)
	body.forget(second)
	if body.record != nil {
		t.Error("still kept, though the second try has had all of it")
	}
	if n, err := second.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end the second try reads %d, %v", n, err)
	}
}
