/* Floating point: planets that pull at each other, and a mix of the mathematical library, array
 * sums and branches in the manner of Whetstone. */
#include <math.h>
#include <string.h>

#include "bench.h"

#define BODIES 5

static double position[BODIES][3], velocity[BODIES][3], mass[BODIES];

static uint64_t bits(double value)
{
    uint64_t result;
    memcpy(&result, &value, sizeof result);
    return result;
}

/* A sun and planets on nearly round orbits; time in years, length in astronomical units. */
void prepare_bodies(uint64_t amount)
{
    (void)amount;
    static const double radius[BODIES] = {0, 5.2, 9.6, 19.2, 30.1};
    static const double share[BODIES] = {1, 9.5e-4, 2.9e-4, 4.4e-5, 5.2e-5};
    const double pull = 4 * M_PI * M_PI;
    for (int i = 0; i < BODIES; i++) {
        double angle = 1.3 * i, speed = i ? sqrt(pull / radius[i]) : 0;
        mass[i] = pull * share[i];
        position[i][0] = radius[i] * cos(angle);
        position[i][1] = radius[i] * sin(angle);
        position[i][2] = 0.02 * radius[i];
        velocity[i][0] = -speed * sin(angle);
        velocity[i][1] = speed * cos(angle);
        velocity[i][2] = 0.001 * i;
    }
}

static NOINLINE void advance(double step)
{
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++) {
            double x = position[i][0] - position[j][0];
            double y = position[i][1] - position[j][1];
            double z = position[i][2] - position[j][2];
            double square = x * x + y * y + z * z;
            double weight = step / (square * sqrt(square));
            velocity[i][0] -= x * mass[j] * weight;
            velocity[i][1] -= y * mass[j] * weight;
            velocity[i][2] -= z * mass[j] * weight;
            velocity[j][0] += x * mass[i] * weight;
            velocity[j][1] += y * mass[i] * weight;
            velocity[j][2] += z * mass[i] * weight;
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int axis = 0; axis < 3; axis++)
            position[i][axis] += step * velocity[i][axis];
}

uint64_t run_bodies(uint64_t steps)
{
    double sum = 0;
    for (uint64_t i = 0; i < steps; i++)
        advance(0.001);
    for (int i = 0; i < BODIES; i++)
        for (int axis = 0; axis < 3; axis++)
            sum += position[i][axis] * (i + 1) + velocity[i][axis];
    return bits(sum);
}

void prepare_functions(uint64_t amount)
{
    (void)amount;
}

static NOINLINE void array_pass(double *e, double t)
{
    for (int i = 0; i < 6; i++) {
        e[0] = (e[0] + e[1] + e[2] - e[3]) * t;
        e[1] = (e[0] + e[1] - e[2] + e[3]) * t;
        e[2] = (e[0] - e[1] + e[2] + e[3]) * t;
        e[3] = (-e[0] + e[1] + e[2] + e[3]) / 2.0;
    }
}

uint64_t run_functions(uint64_t iterations)
{
    double e[4] = {1, -1, -1, -1}, x = 0.5, y = 0.5, z = 0.75, t = 0.499975;
    int branch = 1;
    for (uint64_t i = 0; i < iterations; i++) {
        array_pass(e, t);
        for (int j = 0; j < 8; j++) {
            branch = branch == 1 ? 2 : 3;
            branch = branch > 2 ? 0 : 1;
            branch = branch < 1 ? 1 : 0;
            x = t * atan(2.0 * sin(x) * cos(x) / (cos(x + y) + cos(x - y) + 1.5));
            y = t * atan(2.0 * sin(y) * cos(y) / (cos(x + y) + cos(x - y) + 1.5));
            z = sqrt(exp(log(z + 1.0) / 0.50000025)) / 2.1;
        }
        e[0] += x * 1e-3 + branch;
    }
    return bits(e[0] + e[1] + e[2] + e[3] + x + y + z);
}
