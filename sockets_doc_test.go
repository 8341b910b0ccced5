// SPDX-License-Identifier: Apache-2.0

package rserpool_test

import (
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An api knows what packages export: "assoc.Config", "assoc.Config.MTU".
type api struct {
	names map[string]bool
	same  map[string][]string // type → what it is an alias of, or embeds
}

func (a *api) has(name string) bool {
	if a.names[name] {
		return true
	}
	pkg, rest, _ := strings.Cut(name, ".")
	typ, member, ok := strings.Cut(rest, ".")
	if ok {
		for _, other := range a.same[pkg+"."+typ] {
			if a.has(other + "." + member) {
				return true
			}
		}
	}
	return false
}

// typeName is the name of a type in a file of package pkg, or "".
func typeName(pkg string, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(pkg, e.X)
	case *ast.Ident:
		return pkg + "." + e.Name
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return x.Name + "." + e.Sel.Name
		}
	}
	return ""
}

func (a *api) spec(pkg string, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			a.names[pkg+"."+n.Name] = true
		}
	case *ast.TypeSpec:
		t := pkg + "." + s.Name.Name
		a.names[t] = true
		if other := typeName(pkg, s.Type); other != "" {
			a.same[t] = append(a.same[t], other)
		}
		if st, ok := s.Type.(*ast.StructType); ok {
			for _, f := range st.Fields.List {
				for _, n := range f.Names {
					a.names[t+"."+n.Name] = true
				}
				if f.Names == nil {
					a.same[t] = append(a.same[t], typeName(pkg, f.Type))
				}
			}
		}
	}
}

func readAPI(t *testing.T, dirs ...string) *api {
	a := &api{map[string]bool{}, map[string][]string{}}
	for _, f := range sources(t) {
		for _, dir := range dirs {
			if f.dir != dir || f.test() {
				continue
			}
			pkg := f.ast.Name.Name
			for _, d := range f.ast.Decls {
				switch d := d.(type) {
				case *ast.GenDecl:
					for _, s := range d.Specs {
						a.spec(pkg, s)
					}
				case *ast.FuncDecl:
					name := pkg + "." + d.Name.Name
					if d.Recv != nil {
						name = typeName(pkg, d.Recv.List[0].Type) + "." + d.Name.Name
					}
					a.names[name] = true
				}
			}
		}
	}
	return a
}

// TestSocketsDoc: what docs/sockets.md says is here, is.
func TestSocketsDoc(t *testing.T) {
	a := readAPI(t, "sctp", "sctp/assoc", "sctp/wire")
	require.True(t, a.has("sctp.ConnStats.PacketsSent"), "a field of an embedded struct of another package")
	require.False(t, a.has("sctp.Config.Nonsense"))
	require.False(t, a.has("sctp.Message.Nonsense"))
	text, err := os.ReadFile("docs/sockets.md")
	require.NoError(t, err)
	quoted := regexp.MustCompile("`([^`]+)`")
	ident := regexp.MustCompile(`^[A-Z][a-z][A-Za-z0-9]*(\.[A-Z]\w*)?$|^[A-Z][A-Z]+[a-z]\w*(\.\w+)?$`)
	checked := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		for i, cell := range cells {
			for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
				if !ident.MatchString(m[1]) {
					continue
				}
				checked++
				if !a.has("sctp." + m[1]) {
					t.Errorf("docs/sockets.md names %s, which package sctp does not have", m[1])
				}
			}
			if last := i == len(cells)-2 && len(cells) > 3; last && strings.TrimSpace(cell) == "" {
				t.Errorf("docs/sockets.md: nothing said in %s", line)
			}
		}
	}
	require.Greater(t, checked, 100)
}
