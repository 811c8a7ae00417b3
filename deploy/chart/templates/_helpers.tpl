{{- define "perdure.name" -}}
{{- if contains "perdure" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-perdure{{ end }}
{{- end }}

{{- define "perdure.selector" -}}
app.kubernetes.io/name: perdure
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "perdure.labels" -}}
{{ include "perdure.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "perdure.secret" -}}
{{- if .Values.existingSecret }}{{ .Values.existingSecret }}
{{- else if .Values.secrets.PERDURE_DATABASE_URL }}{{ include "perdure.name" . }}
{{- else }}{{ fail "set existingSecret, or secrets.PERDURE_DATABASE_URL: the servers share a PostgreSQL" }}
{{- end }}
{{- end }}
