// The parts of a pod that the injector reads, as the API server sends them. Strict about those, blind to the rest: what is not named here
// is neither looked at nor changed.
import { z } from "zod";

const PortReference = z.union([z.string(), z.number()]);
const Handler = z.looseObject({
  httpGet: z.looseObject({ port: PortReference }).optional(),
  tcpSocket: z.looseObject({ port: PortReference }).optional(),
});

const ContainerPort = z.looseObject({
  name: z.string().optional(),
  containerPort: z.int(),
  hostPort: z.int().optional(),
  protocol: z.string().optional(),
});
export type ContainerPort = z.infer<typeof ContainerPort>;

export const Container = z.looseObject({
  name: z.string().min(1),
  ports: z.array(ContainerPort).optional(),
  volumeMounts: z.array(z.looseObject({ name: z.string() })).optional(),
  volumeDevices: z.array(z.looseObject({ name: z.string() })).optional(),
  startupProbe: Handler.optional(),
  readinessProbe: Handler.optional(),
  livenessProbe: Handler.optional(),
  lifecycle: z.looseObject({ postStart: Handler.optional(), preStop: Handler.optional() }).optional(),
});
export type Container = z.infer<typeof Container>;

export const Volume = z.looseObject({ name: z.string().min(1) });
export type Volume = z.infer<typeof Volume>;

const SecurityProfile = z.looseObject({ type: z.string() });

export const Pod = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.looseObject({
    containers: z.array(Container).min(1),
    initContainers: z.array(Container).optional(),
    ephemeralContainers: z.array(Container).optional(),
    volumes: z.array(Volume).optional(),
    hostNetwork: z.boolean().optional(),
    hostPID: z.boolean().optional(),
    shareProcessNamespace: z.boolean().optional(),
    os: z.looseObject({ name: z.string() }).optional(),
    securityContext: z
      .looseObject({
        appArmorProfile: SecurityProfile.optional(),
        windowsOptions: z.looseObject({}).optional(),
      })
      .optional(),
  }),
});
export type Pod = z.infer<typeof Pod>;

/** Every container, whenever it runs. */
export const containersOf = ({ spec }: Pod): readonly Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
  ...(spec.ephemeralContainers ?? []),
];

export const isTcp = ({ protocol = "TCP" }: ContainerPort): boolean => protocol === "TCP";
