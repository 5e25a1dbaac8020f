package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/auth"
)

// Every operation, as every role: the document says who may.
func TestEveryOperationAsksForTheRoleTheDocumentNames(t *testing.T) {
	h := openShop(t)
	roles := []auth.Role{auth.Viewer, auth.Operator, auth.Admin}
	for _, op := range describedOperations() {
		path := strings.NewReplacer("{route}", "nobody", "{backend}", "nobody", "{group}", "nobody", "{token}", "nobody", "{override}", "nobody", "{fault}", "1", "{exemplar}", "0", "{rule}", "0", "{webhook}", "nobody").Replace(op.path)
		nobody := h.call(op.method, path, "", header("Authorization", ""))
		switch {
		case op.name == "CreateSession":
			nobody.problem(http.StatusUnauthorized, "unauthenticated")
			continue
		case op.role == "open":
			nobody.want(http.StatusOK)
			continue
		}
		need, err := auth.ParseRole(op.role)
		if err != nil {
			t.Fatalf("%s: %v", op.name, err)
		}
		nobody.problem(http.StatusUnauthorized, "unauthenticated")
		for _, role := range roles {
			got := h.call(op.method, path, "", as(h.secrets[role]))
			if role.Allows(need) {
				if got.status == http.StatusUnauthorized || got.status == http.StatusForbidden || got.status >= http.StatusInternalServerError {
					t.Errorf("%s as %s: %d %s", op.name, role, got.status, got.body)
				}
				continue
			}
			if p := got.problem(http.StatusForbidden, "forbidden"); p.Role != op.role || !strings.Contains(p.Detail, op.role) {
				t.Errorf("%s as %s: the problem does not name the role %s: %+v", op.name, role, op.role, p)
			}
		}
	}
}

func TestADeniedRequestSaysHowToAskAgain(t *testing.T) {
	h := open(t)
	for _, authorization := range []string{"", "Bearer", "Basic YTpi", "Bearer nonsense", "Bearer strangler_aaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbb"} {
		answer := h.get("/api/v1/status", header("Authorization", authorization))
		p := answer.problem(http.StatusUnauthorized, "unauthenticated")
		if answer.header.Get("WWW-Authenticate") != `Bearer realm="strangler"` || p.Hint == "" {
			t.Errorf("%q: %v %+v", authorization, answer.header, p)
		}
		if strings.Contains(string(answer.body), "bbbb") {
			t.Errorf("the answer repeats the secret: %s", answer.body)
		}
	}
	if strings.Contains(h.log.String(), "bbbb") || strings.Contains(h.log.String(), "nonsense") {
		t.Errorf("the log has a secret:\n%s", h.log)
	}
}

func TestARevokedTokenIsDenied(t *testing.T) {
	h := open(t)
	token, secret, err := auth.Mint("leaver", auth.Admin, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.CreateToken(t.Context(), token, "test"); err != nil {
		t.Fatal(err)
	}
	if err := h.store.RevokeToken(t.Context(), token.ID, "test"); err != nil {
		t.Fatal(err)
	}
	if p := h.get("/api/v1/status", as(secret)).problem(http.StatusUnauthorized, "token_revoked"); !strings.Contains(p.Detail, "revoked") {
		t.Errorf("%+v", p)
	}
}
