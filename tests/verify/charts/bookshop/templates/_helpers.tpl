{{- define "bookshop.labels" -}}
app.kubernetes.io/name: bookshop
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
