{{/*
The sidecar's container, written once. It is a native sidecar: put it under `initContainers`, so that it is ready before the workload
starts and outlives it while the pod ends.
*/}}
{{- define "postern.sidecar.container" -}}
name: postern-sidecar
image: "{{ .Values.sidecar.image.repository }}:{{ .Values.sidecar.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.sidecar.image.pullPolicy }}
restartPolicy: Always
env:
  - name: POSTERN_SIDECAR_HOST
    value: "0.0.0.0"
  - name: POSTERN_SIDECAR_PORT
    value: {{ .Values.sidecar.port | quote }}
  - name: POSTERN_CONTROL_PLANE_URL
    value: "http://{{ .Release.Name }}-control-plane.{{ .Release.Namespace }}.svc:{{ .Values.controlPlane.service.port }}"
  - name: POSTERN_SIDECAR_CREDENTIAL_FILE
    value: /run/postern/credential/credential
  - name: POSTERN_TRUST_ROOT
    value: {{ .Values.sidecar.trustRoot | quote }}
  - name: POSTERN_SPOOL_DURABILITY
    value: {{ .Values.sidecar.spoolDurability }}
  - name: POSTERN_DATA_DIR
    value: /var/lib/postern
ports:
  - name: postern
    containerPort: {{ .Values.sidecar.port }}
startupProbe:
  httpGet: { path: /readyz, port: postern }
  periodSeconds: 1
  failureThreshold: 60
readinessProbe:
  httpGet: { path: /readyz, port: postern }
  periodSeconds: 5
livenessProbe:
  httpGet: { path: /healthz, port: postern }
  periodSeconds: 10
resources:
  {{- toYaml .Values.sidecar.resources | nindent 2 }}
securityContext:
  {{- include "postern.securityContext" . | nindent 2 }}
volumeMounts:
  - name: postern-data
    mountPath: /var/lib/postern
  - name: postern-credential
    mountPath: /run/postern/credential
    readOnly: true
{{- end }}

{{- define "postern.sidecar.volumes" -}}
- name: postern-data
  emptyDir:
    sizeLimit: 1Gi
- name: postern-credential
  secret:
    secretName: {{ .Values.sidecar.credentialSecret }}
    # Mounted into the sidecar alone; its user is not the pod's to choose.
    defaultMode: 0444
{{- end }}
